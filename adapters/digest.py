"""Canonical JSON and tagged digests: equal values have equal bytes, and a digest names its algorithm."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Json = Any  # what json.loads returns; narrowed by adapters.document where it enters


def plain(value: object) -> Json:
    """The JSON value that `value` is: mappings as dicts, sequences as lists. ValueError for anything else.

    Keys must be strings and numbers finite, so that writing and reading gives the same value back.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no place in JSON")
        return value
    if isinstance(value, (dict, Mapping)):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"the key {key!r} is not a string")  # noqa: TRY004  # the value is wrong, not the call
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise ValueError(f"{value!r} has no place in JSON")


def canonical(value: object) -> bytes:
    """The one way to write a JSON value: sorted keys, no spaces, ASCII. ValueError if it is none."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def parse(data: bytes) -> Json:
    """Read JSON that means one thing: no repeated keys, no NaN. ValueError otherwise."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def digest(data: bytes) -> str:
    """sha256 of `data`, tagged: "sha256:<64 hex>"."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_file(path: Path) -> str:
    """The same over a file's content, read once and never held whole."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def tagged_digest(tag: str, value: object) -> str:
    """sha256 of a JSON value under a tag that names what is hashed and its version: "<tag>-sha256:<64 hex>".

    The tag is hashed too, so values of different kinds never share a digest.
    """
    data = b"\n".join((tag.encode(), canonical(value)))
    return f"{tag}-{digest(data)}"


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is given twice")
    return value


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
