"""The chat template: from messages to text and back."""

from persona.template.chat import Template
from persona.template.sandbox import to_json

__all__ = ["Template", "to_json"]
