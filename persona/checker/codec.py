"""From a checker's JSON back to the checker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields

from persona.checker.address import Address
from persona.checker.code_style import CodeStyle
from persona.checker.contract import Checker
from persona.checker.conventions import Convention
from persona.checker.edges import Closing, NoClosing, NoOpening, Opening
from persona.checker.form import Bullets, Emoji, NoEmoji, NoExclamation, NoHeadings, NoLists
from persona.checker.language import Language
from persona.checker.length import MaxSentences, MaxWords, MinWords
from persona.checker.structure import Bold, BoldLead, CodeBlock, Headings, NoBold, NoCodeBlock, Numbered
from persona.checker.tone import Contractions, Exclamation, FinalQuestion, NoFinalQuestion, NoMarker
from persona.checker.tool_calls import ToolArgument, ToolChoice
from persona.checker.wording import Avoids, Contains
from store.records import Json

KINDS: Mapping[str, type[Checker]] = {
    checker.kind: checker
    for checker in (
        MaxSentences, MaxWords, Opening, Closing, NoOpening, NoClosing, Emoji, NoEmoji, NoHeadings, NoLists,
        Bullets, NoExclamation, Language, Contains, Avoids, ToolArgument, ToolChoice,
        MinWords, Headings, Numbered, CodeBlock, NoCodeBlock, Bold, BoldLead, NoBold, NoMarker, Contractions,
        Exclamation, FinalQuestion, NoFinalQuestion, Convention, CodeStyle, Address,
    )
}  # fmt: skip


def from_json(document: Mapping[str, Json]) -> Checker:
    """The checker that `to_json` wrote; ValueError names what is unknown, missing or of the wrong type."""
    kind = document.get("kind")
    found = KINDS.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise ValueError(f"unknown kind of checker {kind!r}: known are {', '.join(KINDS)}")
    given = {name: value for name, value in document.items() if name != "kind"}
    known = {item.name: item for item in fields(found)}
    if unknown := given.keys() - known.keys():
        raise ValueError(f"checker {kind!r}: unknown field {min(unknown)!r}")
    missing = [name for name, item in known.items() if name not in given and item.default is MISSING]
    if missing:
        raise ValueError(f"checker {kind!r}: {missing[0]} is missing")
    return found(**given)
