"""Reads what a GGUF file says of itself and refuses a file whose tensors do not lie wholly inside it.

Nothing here trusts a number in the file: every length is checked against the bytes that are there before
anything is read or made, so a hostile or cut file costs no more than its own size.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_ALIGNMENT = "general.alignment"
_DEFAULT_ALIGNMENT = 32
_MOST_DIMENSIONS = 4
_MOST_ITEMS = 1 << 24  # of any list in the header; real ones stay under a million

# Number, elements a block, bytes a block.
_TYPES = {
    "F32": (0, 1, 4), "F16": (1, 1, 2), "Q4_0": (2, 32, 18), "Q4_1": (3, 32, 20), "Q5_0": (6, 32, 22),
    "Q5_1": (7, 32, 24), "Q8_0": (8, 32, 34), "Q8_1": (9, 32, 40), "Q2_K": (10, 256, 84),
    "Q3_K": (11, 256, 110), "Q4_K": (12, 256, 144), "Q5_K": (13, 256, 176), "Q6_K": (14, 256, 210),
    "Q8_K": (15, 256, 292), "IQ2_XXS": (16, 256, 66), "IQ2_XS": (17, 256, 74), "IQ3_XXS": (18, 256, 98),
    "IQ1_S": (19, 256, 50), "IQ4_NL": (20, 32, 18), "IQ3_S": (21, 256, 110), "IQ2_S": (22, 256, 82),
    "IQ4_XS": (23, 256, 136), "I8": (24, 1, 1), "I16": (25, 1, 2), "I32": (26, 1, 4), "I64": (27, 1, 8),
    "F64": (28, 1, 8), "IQ1_M": (29, 256, 56), "BF16": (30, 1, 2), "TQ1_0": (34, 256, 54),
    "TQ2_0": (35, 256, 66), "MXFP4": (39, 32, 17),
}  # fmt: skip
_TYPE_OF_NUMBER = {number: (name, block, size) for name, (number, block, size) in _TYPES.items()}

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

Scalar = str | int | float | bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorInfo:
    """One tensor; `shape` as the file has it, fastest dimension first; `offset` from the file's begin."""

    type: str
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GgufHeader:
    """Metadata (lists left out) and tensors of one file."""

    metadata: Mapping[str, Scalar]
    tensors: Mapping[str, TensorInfo]

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    @property
    def quantisation(self) -> str:
        """The type that most of the weights are stored as."""
        stored: dict[str, int] = {}
        for tensor in self.tensors.values():
            stored[tensor.type] = stored.get(tensor.type, 0) + math.prod(tensor.shape)
        return max(sorted(stored), key=lambda name: stored[name])

    def number(self, key: str) -> int | None:
        """A whole number that the file gives under its architecture's name ("block_count")."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        return value if isinstance(value, int) else None


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of `path`. ValueError, in a few words, for anything that is not a whole GGUF file."""
    size = path.stat().st_size
    if size < 24:
        raise ValueError("too short for a GGUF file")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _Reader(data, size).header()


class _Reader:
    def __init__(self, data: mmap.mmap, size: int) -> None:
        self._data = data
        self._size = size
        self._position = 0

    def header(self) -> GgufHeader:
        if self._take(4) != _MAGIC:
            raise ValueError("not a GGUF file")
        version = self._number("I")
        if version not in _VERSIONS:
            raise ValueError(f"GGUF version {version}, which is not one of {_VERSIONS}")
        tensor_count, key_count = self._count(), self._count()
        metadata: dict[str, Scalar] = {}
        keys: set[str] = set()
        for _ in range(key_count):
            key = self._string()
            if key in keys:
                raise ValueError(f"the key {key!r} is given twice")
            keys.add(key)
            value = self._value(int(self._number("I")))
            if value is not None:
                metadata[key] = value
        found = [self._tensor() for _ in range(tensor_count)]
        return GgufHeader(metadata=metadata, tensors=self._placed(found, metadata))

    def _placed(
        self, found: list[tuple[str, TensorInfo]], metadata: Mapping[str, Scalar]
    ) -> dict[str, TensorInfo]:
        alignment = metadata.get(_ALIGNMENT, _DEFAULT_ALIGNMENT)
        if not isinstance(alignment, int) or alignment < 8 or alignment & (alignment - 1):
            raise ValueError(f"an alignment of {alignment}")
        begin = -(-self._position // alignment) * alignment
        tensors: dict[str, TensorInfo] = {}
        reached = begin
        for name, tensor in found:
            if name in tensors:
                raise ValueError(f"the tensor {name!r} is given twice")
            offset = begin + tensor.offset
            # Writers lay tensors one after the other; anything else is a second view of the same bytes.
            if tensor.offset % alignment or offset < reached:
                raise ValueError(f"the tensor {name!r} lies over another one")
            reached = offset + tensor.size
            if reached > self._size:
                raise ValueError(f"cut short: the tensor {name!r} ends at byte {reached} of {self._size}")
            tensors[name] = TensorInfo(type=tensor.type, shape=tensor.shape, offset=offset, size=tensor.size)
        if not tensors:
            raise ValueError("it holds no tensor")
        return tensors

    def _tensor(self) -> tuple[str, TensorInfo]:
        name = self._string()
        dimensions = int(self._number("I"))
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise ValueError(f"the tensor {name!r} has {dimensions} dimensions")
        shape = tuple(int(self._number("Q")) for _ in range(dimensions))
        number = int(self._number("I"))
        if number not in _TYPE_OF_NUMBER:
            raise ValueError(f"the tensor {name!r} has the unknown type {number}")
        kind, block, block_size = _TYPE_OF_NUMBER[number]
        if 0 in shape or shape[0] % block:
            raise ValueError(f"the tensor {name!r} has a shape that {kind} cannot store")
        size = math.prod(shape) // block * block_size
        return name, TensorInfo(type=kind, shape=shape, offset=int(self._number("Q")), size=size)

    def _value(self, kind: int) -> Scalar | None:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            self._skip_list()
            return None
        if kind not in _SCALARS:
            raise ValueError(f"a value of the unknown type {kind}")
        return self._number(_SCALARS[kind])

    def _skip_list(self) -> None:
        kind = int(self._number("I"))
        count = self._count()
        if kind == _STRING:
            self._skip_strings(count)
        elif kind in _SCALARS:
            self._take(count * struct.calcsize(_SCALARS[kind]))
        else:
            raise ValueError(f"a list of the unsupported type {kind}")

    def _skip_strings(self, count: int) -> None:
        """The vocabulary: a hundred thousand texts, so this loop is written for speed."""
        data, position, length_at = self._data, self._position, struct.Struct("<Q").unpack_from
        last = self._size - 8
        for _ in range(count):
            if position > last:
                raise ValueError("cut short inside its header")
            position += 8 + length_at(data, position)[0]
        if position > self._size:
            raise ValueError("cut short inside its header")
        self._position = position

    def _string(self) -> str:
        try:
            return self._take(self._count()).decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("a text is not UTF-8") from None

    def _count(self) -> int:
        count = int(self._number("Q"))
        if count > _MOST_ITEMS:
            raise ValueError(f"a length of {count}")
        return count

    def _number(self, code: str) -> int | float | bool:
        (value,) = struct.unpack("<" + code, self._take(struct.calcsize("<" + code)))
        return value  # type: ignore[no-any-return]

    def _take(self, length: int) -> bytes:
        end = self._position + length
        if end > self._size:
            raise ValueError("cut short inside its header")
        taken = self._data[self._position : end]
        self._position = end
        return taken
