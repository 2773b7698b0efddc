"""Conventions of writing of which an answer follows one: units, dates, the clock, large numbers, spelling.

A convention speaks only about answers in which it shows: one without a date has no style of dates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import StyleChecker
from persona.checker.prose import without_code
from store.records import Message

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_AMOUNT = (
    r"(?<![\w.])(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|a few|several|half an?)[\s-]*"
)
_METRIC = (
    r"°\s?C|degrees celsius|celsius|km/h|km|kilomet(?:re|er)s?|met(?:re|er)s?|cm|mm|centimet(?:re|er)s?|kg|"
    r"kilo(?:gram)?s?|grams?|g|lit(?:re|er)s?|ml|millilit(?:re|er)s?"
)
_IMPERIAL = (
    r"°\s?F|degrees fahrenheit|fahrenheit|miles?|mph|foot|feet|ft|inch(?:es)?|yards?|lbs?"
    r"|pounds?(?! sterling)|ounces?|oz|gallons?|pints?|cups?"
)
_BRITISH = (
    r"(?:col|fav|behavi|hon|neighb|flav|lab|hum|vap|harb)our\w*|(?:organ|real|recogn|apolog|summar|special)is\w+|"
    r"analys(?:e[sd]?|ing)|cent(?:re|res|red)|metres?|theatres?|litres?|grey|travell\w+|cancell(?:ed|ing)|defence|"
    r"licence|programmes?|cheques?|tyres?"
)
_AMERICAN = (
    r"(?:col|fav|behavi|hon|neighb|flav|lab|hum|vap|harb)or(?:s|ed|ing|ite|ites|able|ful|hood|al)?|"
    r"(?:organ|real|recogn|apolog|summar|special)iz\w+|analyz(?:e[sd]?|ing)|center(?:s|ed)?|meters?|theaters?|"
    r"liters?|gray|travel(?:ed|ing|ers?)|cancel(?:ed|ing)|defense"
)


def _style(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# Of each convention, how each of its styles shows.
STYLES: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    "units": {
        "metric": _style(rf"{_AMOUNT}(?:{_METRIC})(?!\w)"),
        "imperial": _style(rf"{_AMOUNT}(?:{_IMPERIAL})(?!\w)"),
    },
    "dates": {
        "iso": _style(r"\b\d{4}-\d\d-\d\d\b"),
        "day_month": _style(rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH}\b"),
        "month_day": _style(rf"\b{_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?!:)"),
        "slashes": _style(r"\b\d{1,2}/\d{1,2}/(?:\d{4}|\d\d)\b"),
        "dots": _style(r"\b\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)\b"),
    },
    "clock": {
        "24": _style(r"\b(?:1[3-9]|2[0-3]|0\d):[0-5]\d\b(?!\s*[ap]\.?m)"),
        "12": _style(r"\b(?:1[0-2]|0?[1-9])(?::[0-5]\d)?\s*[ap]\.?m\b"),
    },
    "numbers": {
        "comma": _style(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])"),
        "dot": _style(r"(?<![\d,.])\d{1,3}(?:\.\d{3})+(?![\d.])"),
        "space": _style(r"(?<![\d,.])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)"),
        "plain": _style(r"(?<![\d,.\u00a0\u202f-])(?!(?:1[0-9]|20)\d\d(?!\d))\d{4,}(?![\d,.-])"),
    },
    "spelling": {
        "british": _style(rf"\b(?:{_BRITISH})\b"),
        "american": _style(rf"\b(?:{_AMERICAN})\b"),
    },
}
_TOLD = {
    ("units", "metric"): "metric units",
    ("units", "imperial"): "imperial units",
    ("dates", "iso"): "dates like 2026-11-02",
    ("dates", "day_month"): "dates like 2 November",
    ("dates", "month_day"): "dates like November 2",
    ("dates", "slashes"): "dates like 11/2/2026",
    ("dates", "dots"): "dates like 2.11.2026",
    ("clock", "24"): "the 24-hour clock",
    ("clock", "12"): "the 12-hour clock",
    ("numbers", "comma"): "large numbers like 10,000",
    ("numbers", "dot"): "large numbers like 10.000",
    ("numbers", "space"): "large numbers like 10 000",
    ("numbers", "plain"): "large numbers like 10000",
    ("spelling", "british"): "British spelling",
    ("spelling", "american"): "American spelling",
}


@dataclass(frozen=True, kw_only=True)
class Convention(StyleChecker):
    """Where one of the styles of `convention` shows, it is `style` and no other."""

    kind: ClassVar[str] = "convention"
    convention: str
    style: str

    def __post_init__(self) -> None:
        if (self.convention, self.style) not in _TOLD:
            known = ", ".join(f"{convention} {style}" for convention, style in _TOLD)
            raise ValueError(f"checker {self.kind!r}: {self.convention} {self.style} is none of {known}")

    def applies_to(self, message: Message) -> bool:
        return super().applies_to(message) and bool(self._shown(message.content))

    def holds(self, text: str) -> bool:
        return self._shown(text) <= {self.style}

    def describe(self) -> str:
        return _TOLD[self.convention, self.style]

    def _shown(self, text: str) -> set[str]:
        seen = without_code(text)
        return {style for style, pattern in STYLES[self.convention].items() if pattern.search(seen)}
