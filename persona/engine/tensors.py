"""Tensors in safetensors files, read with numpy: what an adapter and a base hold, without loading a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.errors import NotPublishable
from adapters.safetensors import read_header
from persona.errors import Damaged

_HEADER_LENGTH = 8  # bytes; the header's own length comes first
_AS_STORED = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTensor:
    """Where one tensor lies; `offset` counts bytes from the file's begin."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def read(self, rows: int | None = None) -> NDArray[Any]:
        """The tensor, or its first `rows` rows, as stored; bf16 comes widened to float32, losing nothing.

        ValueError for a dtype that holds no weights.
        """
        shape = self.shape if rows is None else (min(rows, self.shape[0]), *self.shape[1:])
        count = int(np.prod(shape, dtype=np.int64))
        if self.dtype == "BF16":
            half = np.fromfile(self.file, dtype="<u2", count=count, offset=self.offset)
            return (half.astype(np.uint32) << 16).view(np.float32).reshape(shape)
        if self.dtype not in _AS_STORED:
            raise ValueError(f"{self.file}: {self.dtype} holds no weights that persona reads")
        return np.fromfile(self.file, dtype=_AS_STORED[self.dtype], count=count, offset=self.offset).reshape(
            shape
        )


def stored_tensors(file: Path) -> Mapping[str, StoredTensor]:
    """Every tensor of one file by name. Damaged if the file is not sound."""
    try:
        header = read_header(file)
    except (OSError, NotPublishable) as error:
        raise Damaged(file, str(error), "restore it, or make it again") from None
    with file.open("rb") as opened:
        start = _HEADER_LENGTH + int.from_bytes(opened.read(_HEADER_LENGTH), "little")
    return {
        name: StoredTensor(file=file, dtype=tensor.dtype, shape=tensor.shape, offset=start + tensor.begin)
        for name, tensor in header.items()
    }


def model_tensors(folder: Path) -> Mapping[str, StoredTensor]:
    """Every tensor of the model in `folder`, which may be split over several files."""
    found: dict[str, StoredTensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found |= stored_tensors(file)
    return found
