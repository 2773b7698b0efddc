"""Requests' bodies as JSON that everything behind can hold: UTF-8, finite numbers, not nested without end."""

from __future__ import annotations

import math
import re
from typing import Any

from pydantic_core import from_json

from persona.serve.refusals import NotUnderstood

# Only numbers that look like this can be beyond what a float holds.
_HUGE = re.compile(rb"[0-9][eE]\+?0*[0-9]{3}|[0-9]{300}")


def parse_object(body: bytes) -> dict[str, Any]:
    """The object that a body is. NotUnderstood, without a word of its content."""
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise NotUnderstood(None, f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise NotUnderstood(None, "the body is not a JSON object")
    if _HUGE.search(body) and not _is_finite(document):
        raise NotUnderstood(None, "the body has a number that is too large")
    return document


def _is_finite(document: Any) -> bool:
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value
    return True
