"""Reads a safetensors header and refuses any file that two readers could take for different things."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.digest import Json, parse
from adapters.errors import NotPublishable

_MOST_HEADER_BYTES = 100_000_000  # what the reference reader accepts
_BYTES_OF = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """Where one tensor lies: `begin` and `end` count bytes after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors of the file, by name. Raises NotPublishable unless they fill it exactly, without holes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MOST_HEADER_BYTES):
            raise NotPublishable(path, "cut short, or no safetensors file")
        header = file.read(length)
    try:
        return _tensors(header, size - 8 - length)
    except ValueError as error:
        raise NotPublishable(path, f"not a sound safetensors file: {error}") from None


def _tensors(header: bytes, room: int) -> dict[str, Tensor]:
    if not header.startswith(b"{"):
        raise ValueError("the header is no JSON object")
    entries = parse(header)
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("the metadata is not text")
    tensors = {name: _tensor(name, entry) for name, entry in entries.items()}
    if not tensors:
        raise ValueError("it holds no tensor")
    reached = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != reached:
            raise ValueError(f"{name} does not begin where the tensor before it ends")
        reached = tensor.end
    if reached != room:
        raise ValueError(f"{room} bytes of tensors where the header says {reached}")
    return tensors


def _tensor(name: str, entry: Mapping[str, Json]) -> Tensor:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name} is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BYTES_OF:
        raise ValueError(f"{name} has the unknown dtype {dtype!r}")
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise ValueError(f"{name} has a bad shape or bad offsets")
    begin, end = offsets
    if end - begin != math.prod(shape) * _BYTES_OF[dtype]:
        raise ValueError(f"{name} has {end - begin} bytes, which its shape does not fit")
    return Tensor(dtype=dtype, shape=tuple(shape), begin=begin, end=end)


def _are_counts(value: Json) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
