"""Reads which units, spelling, clock and dates answers are to use: "use metric units", "British spelling"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from persona.checker.conventions import Convention
from persona.checker.statement.masked import Masked
from persona.checker.statement.parsed import Parsed

_MEASURES = r" (?:units?|system|measures?|measurements?)"
# Of a word that has other uses ("metric spaces"), nothing may follow that it could describe.
_ENDS = (
    r"(?=[\s.!,;)]*(?:\Z|[.,;!]|\b(?:please|only|always|instead|everywhere|throughout|from now|not|never|"
    r"rather|over|or|and not|for me|in (?:all|every|your))\b))"
)
_ASKED = r"(?= (?:please|only|times?|format)\b)"
_FORMAT = r"h(?:ours?|rs?)?[- ](?:clock|times?|format)"
_SAID: Mapping[tuple[str, str], str] = {
    ("units", "metric"): rf"(?:the )?(?:metric(?:{_MEASURES}|{_ENDS})|si units)",
    (
        "units",
        "imperial",
    ): rf"(?:the )?(?:(?:imperial|us customary)(?:{_MEASURES}|{_ENDS})|us (?:units|measures))",
    ("spelling", "british"): r"(?:british|uk) (?:english|spellings?)",
    ("spelling", "american"): r"(?:american|us) (?:english|spellings?)",
    ("clock", "24"): rf"(?:the |a )?(?:24[- ]?{_FORMAT}|military time)|24h{_ASKED}",
    ("clock", "12"): rf"(?:the |a )?12[- ]?{_FORMAT}|12h{_ASKED}",
    ("dates", "iso"): r"(?:iso(?:[- ]8601)? (?:dates?|format)|iso[- ]?8601|(?:the )?(?:format )?yyyy-mm-dd)",
}
_CUE = re.compile(
    r"\b(?:use|using|prefer|want|like|need|give|answer|reply|respond|write|spell|show|stick to|stay with|"
    r"switch to|convert to|keep to|always|only|in|with)\b"
)
_INSTEAD_OF = re.compile(
    r"\b(?:not|never|over|instead of|rather than|no|than)(?: (?:in|use|using|the|to))*\s*\Z"
)


def read_conventions(statement: Masked) -> Iterator[Parsed]:
    """The one style of each convention that the statement asks for; of two it asks for none."""
    wanted: dict[str, set[str]] = {}
    for (convention, style), said in _SAID.items():
        for found in re.finditer(rf"(?<![\w-])(?:{said})(?![\w-])", statement.text):
            before = statement.clause_before(found.start())
            asked = _CUE.search(before) or not before.strip() or before.strip() == "please"
            if asked and not statement.negated(found.start()) and not _INSTEAD_OF.search(before):
                wanted.setdefault(convention, set()).add(style)
    for convention, styles in wanted.items():
        if len(styles) == 1:
            yield Parsed(attribute=convention, checker=Convention(convention=convention, style=styles.pop()))
