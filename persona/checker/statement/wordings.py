"""Reads words that answers must or must not have: "never say “delve”"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from persona.checker.statement.masked import LITERAL, Masked
from persona.checker.statement.parsed import Parsed
from persona.checker.wording import Avoids, Contains

_SERIES = r"(?P<series>⟦\d+⟧(?:(?:\s*,\s*(?:and |or |nor )?|\s+(?:and|or|nor)\s+)⟦\d+⟧)*)"
_TERM = r"(?:(?:the|these|this|any) )?(?:(?:words?|phrases?|terms?|expressions?|names?) )?"
_AGAINST = re.compile(
    r"\b(?:(?:never|don't|dont|do not)(?: ever)? (?:say|use|write|mention|include)|"
    r"avoid(?: saying| using| writing)?|stop (?:saying|using|writing|mentioning)|"
    rf"without(?: saying| using)?|no) {_TERM}{_SERIES}"
)
_FOR = re.compile(
    rf"\b(?:include|mention|say|use|contain) {_TERM}{_SERIES}(?= (?:in|somewhere|every|at least)\b|[\s.!]*\Z)"
)


def read_wordings(statement: Masked) -> Iterator[Parsed]:
    """The quoted words that the statement forbids or asks for."""
    taken: set[int] = set()
    for pattern, made in ((_AGAINST, Avoids), (_FOR, Contains)):
        for found in pattern.finditer(statement.text):
            if found.start("series") in taken or (made is Contains and statement.negated(found.start())):
                continue
            taken.add(found.start("series"))
            for number in re.findall(LITERAL, found["series"]):
                literal = statement.literals[int(number)]
                yield Parsed(attribute=f"wording.{literal.casefold()}", checker=made(text=literal))
