"""Checks that a GGUF adapter is whole: llama.cpp has loaded cut-off ones as zeros without a word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from adapters.errors import NotPublishable

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_MOST_NAME_BYTES = 65_535
_MOST_DIMENSIONS = 4
_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_UINT32, _STRING, _ARRAY = 4, 8, 9


@dataclass(frozen=True, kw_only=True, slots=True)
class _Blocks:
    """`size` bytes hold `values` values."""

    size: int
    values: int


_TENSOR_TYPES = {
    0: _Blocks(size=4, values=1),  # F32
    1: _Blocks(size=2, values=1),  # F16
    8: _Blocks(size=34, values=32),  # Q8_0
    30: _Blocks(size=2, values=1),  # BF16
}


def check_adapter(path: Path) -> None:
    """Raises NotPublishable unless `path` is a GGUF adapter whose tensors all lie inside the file."""
    try:
        with path.open("rb") as file:
            _check(_Reader(file, path.stat().st_size))
    except ValueError as error:
        raise NotPublishable(path, f"not a sound GGUF adapter: {error}") from None


class _Reader:
    """Reads little-endian fields; ValueError past the end. Takes no more than 64 KB at once."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    @property
    def position(self) -> int:
        return self._file.tell()

    def take(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise ValueError("cut short")
        return data

    def skip(self, count: int) -> None:
        if count > self.size - self.position:
            raise ValueError("cut short")
        self._file.seek(count, 1)

    def integer(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def text(self) -> str:
        length = self.integer(8)
        if length > _MOST_NAME_BYTES:
            raise ValueError("a name without end")
        return self.take(length).decode("utf-8")


def _check(reader: _Reader) -> None:
    if reader.take(4) != _MAGIC or reader.integer(4) not in _VERSIONS:
        raise ValueError("no GGUF of version 2 or 3")
    tensors, fields = reader.integer(8), reader.integer(8)
    if tensors == 0:
        raise ValueError("it holds no tensor")
    alignment, type_ = _DEFAULT_ALIGNMENT, None
    for _ in range(fields):
        key, kind = reader.text(), reader.integer(4)
        if key == "general.alignment" and kind == _UINT32:
            alignment = reader.integer(4)
        elif key == "general.type" and kind == _STRING:
            type_ = reader.text()
        else:
            _skip_value(reader, kind)
    if type_ != "adapter":
        raise ValueError(f"its general.type is {type_!r}, not 'adapter'")
    if alignment == 0 or alignment & (alignment - 1):
        raise ValueError(f"an alignment of {alignment}")
    ends = [_tensor_end(reader, alignment) for _ in range(tensors)]
    needed = _aligned(reader.position, alignment) + max(ends)
    if not needed <= reader.size <= _aligned(needed, alignment):
        raise ValueError(f"{reader.size} bytes where its tensors end at {needed}")


def _skip_value(reader: _Reader, kind: int) -> None:
    if kind in _SCALAR_BYTES:
        reader.skip(_SCALAR_BYTES[kind])
    elif kind == _STRING:
        reader.skip(reader.integer(8))
    elif kind == _ARRAY:
        inner, count = reader.integer(4), reader.integer(8)
        if inner in _SCALAR_BYTES:
            reader.skip(_SCALAR_BYTES[inner] * count)
        elif inner == _STRING:
            for _ in range(count):
                reader.skip(reader.integer(8))
        else:
            raise ValueError(f"an array of the unknown kind {inner}")
    else:
        raise ValueError(f"a value of the unknown kind {kind}")


def _tensor_end(reader: _Reader, alignment: int) -> int:
    """Where the tensor that is described next ends, in bytes from the first."""
    name, dimensions = reader.text(), reader.integer(4)
    if dimensions > _MOST_DIMENSIONS:
        raise ValueError(f"{name} has {dimensions} dimensions")
    values = math.prod(reader.integer(8) for _ in range(dimensions))
    kind, offset = reader.integer(4), reader.integer(8)
    blocks = _TENSOR_TYPES.get(kind)
    if blocks is None or values % blocks.values:
        raise ValueError(f"{name} has the unknown type {kind} or a shape that does not fit it")
    if offset % alignment:
        raise ValueError(f"{name} is not aligned")
    return offset + values // blocks.values * blocks.size


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment
