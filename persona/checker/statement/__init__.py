"""Reads stated preferences, in English and, by tables of phrases, in German, French, Spanish, Italian and
Portuguese: precision before recall.

A rule that was never asked for is worse than one that is missed: what is hedged, conditional or unclear is
kept as the user's words, without a checker.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from persona.checker.statement.conventions import read_conventions
from persona.checker.statement.edges import read_edges
from persona.checker.statement.forms import read_bold, read_forms, read_language
from persona.checker.statement.lengths import read_lengths
from persona.checker.statement.masked import LONGEST, Masked, mask
from persona.checker.statement.parsed import ALWAYS, Parsed, tool_scope
from persona.checker.statement.tools import read_tools
from persona.checker.statement.translated import translated
from persona.checker.statement.wordings import read_wordings
from store.records import Json

__all__ = ["ALWAYS", "Parsed", "is_one_off", "parse_statement", "tool_scope"]

_READERS = (
    read_lengths, read_edges, read_forms, read_bold, read_language, read_conventions, read_wordings
)  # fmt: skip


def parse_statement(statement: str, *, tools: Iterable[Mapping[str, Json]] = ()) -> list[Parsed]:
    """What the statement asks for, at least one entry, no two with the same (scope, attribute).

    `tools` are the OpenAI tool objects that the user's programs have offered so far. A statement that
    cannot be read gives one entry with the attribute "free.<hash>" and no checker. Never raises.
    """
    if len(statement) > LONGEST:
        return [_free(statement)]
    masked, known = mask(statement), list(tools)
    found = _read(translated(masked) or masked, known)
    return list({(parsed.scope, parsed.attribute): parsed for parsed in found}.values()) or [_free(statement)]


def _read(masked: Masked, tools: Sequence[Mapping[str, Json]]) -> list[Parsed]:
    found = list(read_tools(masked, tools))
    if not masked.conditional:
        found += [parsed for read in _READERS for parsed in read(masked)]
    return found


def is_one_off(statement: str) -> bool:
    """Is the statement about one answer only ("just this once")?"""
    if len(statement) > LONGEST:
        return False
    masked = mask(statement)
    return (translated(masked) or masked).one_off


def _free(statement: str) -> Parsed:
    words = re.findall(r"\w+", statement.casefold()) or [statement.strip()]
    digest = hashlib.sha256(" ".join(words).encode("utf-8", "surrogatepass")).hexdigest()
    return Parsed(attribute=f"free.{digest[:16]}")
