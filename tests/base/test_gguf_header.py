"""The GGUF reader sees what the reference reader sees, or refuses; it never trips."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES
from hypothesis import example, given, settings
from hypothesis import strategies as st
from model_parts import HIDDEN, LAYERS, VOCABULARY, write_gguf

from persona.base import gguf_header
from persona.base.gguf_header import read_gguf_header


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def test_metadata_and_tensors_are_those_of_the_reference_reader(whole):
    """Names, types, shapes and places agree with the gguf package."""
    header = read_gguf_header(whole)

    reference = gguf.GGUFReader(whole)
    expected = {
        tensor.name: (tensor.tensor_type.name, tuple(tensor.shape), tensor.data_offset, tensor.n_bytes)
        for tensor in reference.tensors
    }
    assert expected == {
        name: (info.type, info.shape, info.offset, info.size) for name, info in header.tensors.items()
    }
    assert "llama" == header.architecture
    assert (LAYERS, HIDDEN) == (header.number("block_count"), header.number("embedding_length"))
    template = reference.fields["tokenizer.chat_template"].contents()
    assert template == header.metadata["tokenizer.chat_template"]
    assert (HIDDEN, VOCABULARY) == header.tensors["token_embd.weight"].shape


def test_the_quantisation_is_that_of_most_weights(whole):
    """A few norms in F32 do not make a file F32."""
    assert "Q4_1" == read_gguf_header(whole).quantisation


def test_sizes_of_all_types_are_those_of_the_reference():
    """Blocks and bytes of each type, as the gguf package has them."""
    reference = {kind.name: (int(kind), *sizes) for kind, sizes in GGML_QUANT_SIZES.items()}

    assert {name: reference[name] for name in gguf_header._TYPES} == gguf_header._TYPES


def test_a_file_cut_anywhere_is_refused(whole, tmp_path):
    """However little is missing: llama.cpp would read what is not there as zeros."""
    data = whole.read_bytes()
    cut = tmp_path / "cut.gguf"
    for kept in [*range(0, len(data) - 1, 997), len(data) - 1]:
        cut.write_bytes(data[:kept])
        with pytest.raises(ValueError, match=r"."):
            read_gguf_header(cut)


@settings(deadline=None, max_examples=300)
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255))
@example(place=0, byte=0)
@example(place=8, byte=255)
@example(place=23, byte=255)
def test_a_changed_byte_is_refused_or_read_as_the_reference_reads_it(place, byte):
    """No crash, no endless reading, no other view of the tensors than that of the gguf package."""
    data = bytearray(_small_file())
    data[place % len(data)] = byte
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "changed.gguf"
        file.write_bytes(data)
        try:
            header = read_gguf_header(file)
        except ValueError:
            return
        reference = {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}

    assert list(reference) == list(header.tensors)
    for name, info in header.tensors.items():
        assert (reference[name].data_offset, reference[name].n_bytes) == (info.offset, info.size)


@settings(deadline=None, max_examples=200)
@given(rest=st.binary(max_size=200))
def test_garbage_is_refused_in_words(rest):
    """Bytes after a right beginning raise ValueError and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "garbage.gguf"
        file.write_bytes(b"GGUF\x03\x00\x00\x00" + rest)

        with pytest.raises(ValueError, match=r"."):
            read_gguf_header(file)


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (0, b"GGML", "not a GGUF"),
        (4, b"\x09", "version 9"),
        (8, b"\xff" * 8, "length"),
        (16, b"\xff" * 8, "length"),
    ],
)
def test_the_refusal_says_why(whole, tmp_path, place, value, why):
    """In a few words that fit into one line."""
    data = bytearray(whole.read_bytes())
    data[place : place + len(value)] = value
    (tmp_path / "wrong.gguf").write_bytes(data)

    with pytest.raises(ValueError, match=why):
        read_gguf_header(tmp_path / "wrong.gguf")


@functools.cache
def _small_file() -> bytes:
    """A file whose header is small enough for a change to hit it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_block_count(1)
        writer.add_token_list(["a", "b", "c"])
        writer.add_bool("flag", True)
        for name in ("one", "two"):
            writer.add_tensor(name, np.ones((2, 32), dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()
