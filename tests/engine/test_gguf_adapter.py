"""Adapters for llama.cpp have the base's names and the row order of the base's own file."""

from __future__ import annotations

import dataclasses
import os
import stat

import gguf
import numpy as np
import pytest
from small_parts import LAYERS, config, interleaved, lora_tensors, small_base, weights, write_lora

from adapters.gguf import check_adapter
from persona.engine.gguf_adapter import write_gguf_adapter
from persona.errors import BadInput, Mismatch


def written(base, folder, out):
    write_gguf_adapter(folder, base, out)
    reader = gguf.GGUFReader(out)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    return fields, {tensor.name: np.array(tensor.data) for tensor in reader.tensors}


def test_queries_and_keys_follow_the_base(tmp_path) -> None:
    """Where the base's file pairs the rows of queries and keys, so does the adapter; other rows stay."""
    tensors = lora_tensors()
    _, found = written(
        small_base(tmp_path / "base"), write_lora(tmp_path / "lora", tensors), tmp_path / "adapter.gguf"
    )

    def factor(layer: str, half: str):
        return tensors[f"base_model.model.{layer}.lora_{half}.weight"]

    q, k, v = LAYERS[5], LAYERS[6], LAYERS[7]
    np.testing.assert_array_equal(interleaved(factor(q, "B")), found["blk.1.attn_q.weight.lora_b"])
    np.testing.assert_array_equal(interleaved(factor(k, "B")), found["blk.1.attn_k.weight.lora_b"])
    np.testing.assert_array_equal(factor(v, "B"), found["blk.1.attn_v.weight.lora_b"])
    np.testing.assert_array_equal(factor(q, "A"), found["blk.1.attn_q.weight.lora_a"])
    assert 2 * len(LAYERS) == len(found)


def test_rows_stay_where_the_base_has_them_as_trained(tmp_path) -> None:
    """A file that keeps Hugging Face's order, as other architectures do, gets an adapter in that order."""
    tensors = lora_tensors()
    base = small_base(tmp_path / "base", reorder=False)
    _, found = written(base, write_lora(tmp_path / "lora", tensors), tmp_path / "adapter.gguf")

    np.testing.assert_array_equal(
        tensors[f"base_model.model.{LAYERS[0]}.lora_B.weight"], found["blk.0.attn_q.weight.lora_b"]
    )


def test_says_what_it_is(tmp_path) -> None:
    """Architecture, kind and scale are in the header, and the registry takes the file for sound."""
    out = tmp_path / "adapter.gguf"
    fields, _ = written(small_base(tmp_path / "base"), write_lora(tmp_path / "lora"), out)

    check_adapter(out)
    assert "llama" == fields["general.architecture"]
    assert "adapter" == fields["general.type"]
    assert "lora" == fields["adapter.type"]
    assert 8.0 == fields["adapter.lora.alpha"]


@pytest.mark.parametrize(("dtype", "stored"), [(np.float16, np.float16), (np.float32, np.float32)])
def test_values_keep_their_precision(tmp_path, dtype, stored) -> None:
    """Half precision stays half, full stays full."""
    folder = write_lora(tmp_path / "lora", lora_tensors(dtype=dtype))
    _, found = written(small_base(tmp_path / "base"), folder, tmp_path / "adapter.gguf")

    assert {np.dtype(stored)} == {tensor.dtype for tensor in found.values()}


def test_the_same_adapter_gives_the_same_bytes(tmp_path) -> None:
    """A revision can be made again."""
    base, folder = small_base(tmp_path / "base"), write_lora(tmp_path / "lora")
    one, two = tmp_path / "one.gguf", tmp_path / "two.gguf"
    write_gguf_adapter(folder, base, one)
    write_gguf_adapter(folder, base, two)

    assert one.read_bytes() == two.read_bytes()


def test_the_file_is_private_whatever_the_umask(tmp_path) -> None:
    """It holds what a user taught."""
    base, folder = small_base(tmp_path / "base"), write_lora(tmp_path / "lora")
    before = os.umask(0)
    try:
        write_gguf_adapter(folder, base, tmp_path / "adapter.gguf")
    finally:
        os.umask(before)

    assert 0o600 == stat.S_IMODE((tmp_path / "adapter.gguf").stat().st_mode)


def test_a_file_of_another_model_is_found_out(tmp_path) -> None:
    """A GGUF whose weights are not the base's own is refused, though every name and shape fits."""
    base = small_base(tmp_path / "base", served=weights(seed=9))

    with pytest.raises(Mismatch, match="two models"):
        write_gguf_adapter(write_lora(tmp_path / "lora"), base, tmp_path / "adapter.gguf")


def test_an_adapter_of_another_base_is_refused(tmp_path) -> None:
    """Layers that the base lacks are named."""
    folder = write_lora(tmp_path / "lora", lora_tensors(LAYERS[1:]))

    with pytest.raises(Mismatch, match="lacks"):
        write_gguf_adapter(folder, small_base(tmp_path / "base"), tmp_path / "adapter.gguf")


def test_what_is_not_plain_lora_is_refused(tmp_path) -> None:
    """The reader's refusals come through."""
    folder = write_lora(tmp_path / "lora", plain=config(use_dora=True))

    with pytest.raises(BadInput, match="use_dora"):
        write_gguf_adapter(folder, small_base(tmp_path / "base"), tmp_path / "adapter.gguf")


def test_a_base_without_gguf_has_no_use_for_one(tmp_path) -> None:
    """The error says what serves it."""
    base = dataclasses.replace(small_base(tmp_path / "base"), gguf=None)

    with pytest.raises(BadInput, match="transformers"):
        write_gguf_adapter(write_lora(tmp_path / "lora"), base, tmp_path / "adapter.gguf")
