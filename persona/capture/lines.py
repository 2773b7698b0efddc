"""Lines of a file that anybody may have written, read with bounded memory.

A line is either a JSON object of clean text, or one clear reason why it is not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from store.records import Json

LONGEST_LINE = 16 * 2**20  # bytes; one conversation of some four million words
_DEEPEST = 100  # levels of nesting
_CHUNK = 2**20
_SURROGATES = dict.fromkeys((0, *range(0xD800, 0xE000)), "\ufffd")


class BadLine(ValueError):
    """Its text is the reason, for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`number` counts from 1, `end` is the position in the file after it."""

    number: int
    end: int
    document: dict[str, Json] | BadLine  # what it says, or why it cannot be read


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """Every line that is not blank, in order; never raises but for the file itself (OSError)."""
    number = end = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        end += len(raw)
        too_long = len(raw) > LONGEST_LINE and not raw.endswith(b"\n")
        while too_long and not raw.endswith(b"\n") and (raw := file.readline(_CHUNK)):
            end += len(raw)
        if too_long:
            reason = BadLine(f"longer than {LONGEST_LINE // 2**20} MiB")
            yield Line(number=number, end=end, document=reason)
            continue
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if raw.strip():
            yield Line(number=number, end=end, document=_document(raw))


def _document(raw: bytes) -> dict[str, Json] | BadLine:
    try:
        document = parse(raw.decode())
    except UnicodeDecodeError as error:
        return BadLine(f"not UTF-8 at byte {error.start + 1}")
    except BadLine as error:
        return error
    return document if isinstance(document, dict) else BadLine("not a JSON object")


def parse(text: str) -> Json:
    """The JSON value, fit for every store and file: NUL and lone surrogates in it became U+FFFD.

    Raises BadLine.
    """
    try:
        return _clean(json.loads(text, parse_constant=_no_number))
    except json.JSONDecodeError as error:
        raise BadLine(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise BadLine(f"nested deeper than {_DEEPEST} levels") from None
    except BadLine:
        raise
    except ValueError:  # a number with thousands of digits
        raise BadLine("not JSON: a number is too long") from None


def _no_number(name: str) -> NoReturn:
    raise BadLine(f"not JSON: {name} is no number")


def _clean(value: Json, depth: int = 0) -> Json:
    if depth > _DEEPEST:
        raise BadLine(f"nested deeper than {_DEEPEST} levels")
    match value:
        case str():
            return value.translate(_SURROGATES) if _is_dirty(value) else value
        case float() if not math.isfinite(value):
            raise BadLine("not JSON: a number is too large")
        case dict():
            return {_clean(key, depth): _clean(item, depth + 1) for key, item in value.items()}
        case list():
            return [_clean(item, depth + 1) for item in value]
        case _:
            return value


def _is_dirty(text: str) -> bool:
    if "\0" in text:
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
