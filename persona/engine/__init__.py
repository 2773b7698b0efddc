"""Engines: a base with one adapter or none, loaded to answer or to score."""
