"""Preferences made decidable: checkers of messages, and the reader of stated preferences that makes them."""

from __future__ import annotations

from persona.checker.codec import KINDS, from_json
from persona.checker.contract import Checker
from persona.checker.edges import Closing, NoClosing, NoOpening, Opening
from persona.checker.form import Bullets, Emoji, NoEmoji, NoExclamation, NoHeadings, NoLists
from persona.checker.language import CODES, Language, function_words
from persona.checker.length import MaxSentences, MaxWords
from persona.checker.statement import ALWAYS, Parsed, is_one_off, parse_statement, tool_scope
from persona.checker.statement.folding import fold
from persona.checker.statement.tables import TONGUES, language_names
from persona.checker.tool_calls import ToolArgument, ToolChoice, same_json
from persona.checker.wording import Avoids, Contains

__all__ = [
    "ALWAYS",
    "CODES",
    "KINDS",
    "TONGUES",
    "Avoids",
    "Bullets",
    "Checker",
    "Closing",
    "Contains",
    "Emoji",
    "Language",
    "MaxSentences",
    "MaxWords",
    "NoClosing",
    "NoEmoji",
    "NoExclamation",
    "NoHeadings",
    "NoLists",
    "NoOpening",
    "Opening",
    "Parsed",
    "ToolArgument",
    "ToolChoice",
    "fold",
    "from_json",
    "function_words",
    "is_one_off",
    "language_names",
    "parse_statement",
    "same_json",
    "tool_scope",
]
