"""The losses of a training, step by step, read off its progress."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_TERMS = ("loss", "demonstration", "written", "call", "practice", "preference", "replay")


class Curve:
    """Listens to the progress of a trainer. A step that did not measure a term has none of it."""

    def __init__(self) -> None:
        self._losses: dict[str, list[float]] = {}

    def clear(self) -> None:
        """Another try begins."""
        self._losses = {}

    def seen(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """The event itself, for whoever listens too."""
        if event.get("step") == "train":
            for term in _TERMS:
                value = event.get(term)
                if isinstance(value, int | float) and math.isfinite(value):
                    self._losses.setdefault(term, []).append(float(value))
        return event

    def losses(self) -> dict[str, tuple[float, ...]]:
        """Term -> one number a step."""
        return {term: tuple(values) for term, values in self._losses.items()}
