"""persona: a personal model that learns overnight."""

__version__ = "0.1.0"
