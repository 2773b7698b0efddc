"""Preferences made decidable: checkers of messages, and the reader of stated preferences that makes them."""

from __future__ import annotations

from persona.checker.address import ADDRESSES, Address
from persona.checker.code_style import HABITS as CODE_HABITS
from persona.checker.code_style import CodeStyle
from persona.checker.codec import KINDS, from_json
from persona.checker.contract import Checker
from persona.checker.conventions import STYLES as CONVENTIONS
from persona.checker.conventions import Convention
from persona.checker.edges import Closing, NoClosing, NoOpening, Opening
from persona.checker.form import Bullets, Emoji, NoEmoji, NoExclamation, NoHeadings, NoLists
from persona.checker.language import CODES, Language, function_words, language_of
from persona.checker.length import MaxSentences, MaxWords, MinWords
from persona.checker.request import KINDS as REQUEST_KINDS
from persona.checker.request import request_kind
from persona.checker.scope import asked_of, covers, is_tool_scope, kind_scope, tool_name
from persona.checker.statement import ALWAYS, Parsed, is_one_off, parse_statement, tool_scope
from persona.checker.statement.folding import fold
from persona.checker.statement.tables import TONGUES, language_names
from persona.checker.structure import Bold, BoldLead, CodeBlock, Headings, NoBold, NoCodeBlock, Numbered
from persona.checker.tone import (
    MARKERS,
    Contractions,
    Exclamation,
    FinalQuestion,
    NoFinalQuestion,
    NoMarker,
)
from persona.checker.tool_calls import ToolArgument, ToolChoice, same_json
from persona.checker.wording import Avoids, Contains

__all__ = [
    "ADDRESSES",
    "ALWAYS",
    "CODES",
    "CODE_HABITS",
    "CONVENTIONS",
    "KINDS",
    "MARKERS",
    "REQUEST_KINDS",
    "TONGUES",
    "Address",
    "Avoids",
    "Bold",
    "BoldLead",
    "Bullets",
    "Checker",
    "Closing",
    "CodeBlock",
    "CodeStyle",
    "Contains",
    "Contractions",
    "Convention",
    "Emoji",
    "Exclamation",
    "FinalQuestion",
    "Headings",
    "Language",
    "MaxSentences",
    "MaxWords",
    "MinWords",
    "NoBold",
    "NoClosing",
    "NoCodeBlock",
    "NoEmoji",
    "NoExclamation",
    "NoFinalQuestion",
    "NoHeadings",
    "NoLists",
    "NoMarker",
    "NoOpening",
    "Numbered",
    "Opening",
    "Parsed",
    "ToolArgument",
    "ToolChoice",
    "asked_of",
    "covers",
    "fold",
    "from_json",
    "function_words",
    "is_one_off",
    "is_tool_scope",
    "kind_scope",
    "language_names",
    "language_of",
    "parse_statement",
    "request_kind",
    "same_json",
    "tool_name",
    "tool_scope",
]
