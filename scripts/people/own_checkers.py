"""What the bench checks beyond persona's own checkers, as persona has no such preference."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import StyleChecker

_IMPERIAL = re.compile(
    r"\b(?:miles?|meilen?|inch(?:es)?|zoll|feet|foot|fuß|yards?|pounds?|lbs?|ounces?|oz|unzen?|fahrenheit"
    r"|gallons?|cups)\b|°\s?F\b",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, kw_only=True)
class MetricUnits(StyleChecker):
    """No imperial unit is named, in English or German."""

    kind: ClassVar[str] = "bench_metric_units"

    def holds(self, text: str) -> bool:
        return _IMPERIAL.search(text) is None

    def describe(self) -> str:
        return "metric units"


@dataclass(frozen=True, kw_only=True)
class Shouting(StyleChecker):
    """Most letters are capitals."""

    kind: ClassVar[str] = "bench_shouting"

    def holds(self, text: str) -> bool:
        letters = _LETTERS.findall(text)
        return sum(letter.isupper() for letter in letters) > 0.6 * max(1, len(letters))

    def describe(self) -> str:
        return "in capitals"
