"""Writes a PEFT LoRA as a GGUF file for llama.cpp, with numpy alone.

llama.cpp keeps the rows of some layers in another order than Hugging Face does. Which order a base's file
has is found by comparing it with the base's own weights and not by the architecture's name, so an adapter is
never served on rows that it was not made for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.quants import dequantize
from numpy.typing import NDArray

from persona.base import Base
from persona.base.gguf_header import GgufHeader, TensorInfo, read_gguf_header
from persona.engine.lora import Lora, check_fits, read_lora
from persona.engine.tensors import StoredTensor, model_tensors
from persona.errors import BadInput, Mismatch

Rows = NDArray[Any]

_COMPARED_ROWS = 128  # whole heads, at least this many rows; no reordering goes beyond a head
_SAME = 0.8  # correlation with what a tensor was made from; the coarsest quantisations keep above 0.9


def write_gguf_adapter(folder: Path, base: Base, out: Path) -> None:
    """The adapter in `folder` as the file `out`, to be served on `base`. Publishing makes it durable.

    BadInput for a base without GGUF and for what is not plain LoRA, Mismatch for an adapter of another base.
    """
    if base.gguf is None:
        raise BadInput(f"base {base.name} has no GGUF file: its adapters are served by transformers")
    lora = read_lora(folder)
    weights = model_tensors(base.weights)
    check_fits(lora, weights)
    served = _ServedBase(base.gguf, weights)
    names = {layer: served.name_of(layer, lora) for layer in lora.modules}
    os.close(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))  # else the umask would decide
    writer = gguf.GGUFWriter(out, served.header.architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(lora.alpha))
    for layer, name in names.items():
        a, b = lora.factors(layer)
        writer.add_tensor(f"{name}.lora_a", _plain(a))
        writer.add_tensor(f"{name}.lora_b", _plain(served.reorder(layer, b)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class _ServedBase:
    """The base's GGUF file beside the weights that it was made from."""

    def __init__(self, file: Path, weights: Mapping[str, StoredTensor]) -> None:
        self.file = file
        self.header: GgufHeader = read_gguf_header(file)
        self._weights = weights
        self._interleaved: dict[str, bool] = {}  # by kind of layer: "q_proj"
        architectures = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
        if self.header.architecture not in architectures:
            raise BadInput(f"{file}: the gguf package does not know {self.header.architecture!r}: update it")
        blocks = self.header.number("block_count") or 0
        self._names = gguf.get_tensor_name_map(architectures[self.header.architecture], blocks)

    def name_of(self, layer: str, lora: Lora) -> str:
        """What llama.cpp calls the layer's weight. Mismatch unless the file has it in the adapter's shape."""
        name = f"{self._names.get_name(layer)}.weight"
        module = lora.modules[layer]
        if name not in self.header.tensors:
            raise Mismatch(f"{lora.path}: {layer} has no counterpart in {self.file}")
        if self.header.tensors[name].shape != (module.a.shape[1], module.b.shape[0]):
            raise Mismatch(f"{lora.path}: {layer} has another shape in {self.file}")
        return name

    def reorder(self, layer: str, rows: Rows) -> Rows:
        """`rows`, one for each output of the layer, in the order that llama.cpp keeps them."""
        kind = layer.rpartition(".")[2]
        if kind not in self._interleaved:
            self._interleaved[kind] = self._is_interleaved(layer)
        return _interleave(rows, self._head_size) if self._interleaved[kind] else rows

    @property
    def _head_size(self) -> int:
        heads, width = self.header.number("attention.head_count"), self.header.number("embedding_length")
        given = self.header.number("attention.key_length")
        return given or (width // heads if width and heads else 0)

    def _is_interleaved(self, layer: str) -> bool:
        stored = self._weights[f"{layer}.weight"]
        size = self._head_size
        count = -(-_COMPARED_ROWS // size) * size if size else _COMPARED_ROWS
        trained = stored.read(count).astype(np.float32)
        served = _rows(self.file, self.header.tensors[f"{self._names.get_name(layer)}.weight"], len(trained))
        if _likeness(trained, served) >= _SAME:
            return False
        if size and len(trained) % size == 0 and _likeness(_interleave(trained, size), served) >= _SAME:
            return True
        raise Mismatch(f"{self.file}: {layer} is not that of {stored.file.parent}: they are two models")


def _interleave(rows: Rows, head_size: int) -> Rows:
    """From both halves of a head one after the other, as Hugging Face rotates them, to pairs of rows."""
    halves = rows.reshape(-1, 2, head_size // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def _rows(file: Path, tensor: TensorInfo, count: int) -> Rows:
    """The first rows of a tensor in a GGUF file, multiplied out."""
    bytes_a_row = tensor.size // tensor.shape[1]
    raw = np.fromfile(file, dtype=np.uint8, count=count * bytes_a_row, offset=tensor.offset)
    values: Rows = dequantize(raw.reshape(count, bytes_a_row), gguf.GGMLQuantizationType[tensor.type])
    return values.astype(np.float32)


def _likeness(one: Rows, other: Rows) -> float:
    """Correlation, from -1 to 1."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _plain(values: Rows) -> Rows:
    """llama.cpp takes float16 and float32."""
    return np.ascontiguousarray(values if values.dtype == np.float16 else values.astype(np.float32))
