"""Which files make a revision: whole, unambiguous, and nothing beside them."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry_parts import build, fill, gguf_adapter, gguf_text, safetensors_bytes, weights

from adapters import Registry
from adapters.errors import NotPublishable
from adapters.gguf import check_adapter
from adapters.safetensors import Tensor, read_header

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def _header_with_twice_the_same_key() -> bytes:
    one = json.dumps(F32)
    return f'{{"a": {one}, "a": {one}}}'.encode()


BAD_WEIGHTS = {
    "empty": b"",
    "shorter than its length field": b"\x01\x00",
    "header longer than the file": struct.pack("<Q", 1 << 40) + b"{}",
    "header is not JSON": safetensors_bytes(b"{nonsense", b""),
    "header is not an object": safetensors_bytes(b"[]", b""),
    "header begins with a space": safetensors_bytes(b" " + json.dumps({"a": F32}).encode(), bytes(8)),
    "header is not UTF-8": safetensors_bytes(b'{"\xff": 1}', b""),
    "header is nested without end": safetensors_bytes(b'{"a":' + b"[" * 200_000, b""),
    "a key given twice": safetensors_bytes(_header_with_twice_the_same_key(), bytes(8)),
    "no tensor": safetensors_bytes({"__metadata__": {"format": "pt"}}, b""),
    "metadata that is not text": safetensors_bytes({"__metadata__": {"a": 1}, "a": F32}, bytes(8)),
    "data cut short": safetensors_bytes({"a": F32}, bytes(7)),
    "data too long": safetensors_bytes({"a": F32}, bytes(9)),
    "unknown dtype": safetensors_bytes({"a": F32 | {"dtype": "F31"}}, bytes(8)),
    "shape that does not fit": safetensors_bytes({"a": F32 | {"shape": [3]}}, bytes(8)),
    "negative shape": safetensors_bytes({"a": F32 | {"shape": [-1, -2]}}, bytes(8)),
    "fractional shape": safetensors_bytes({"a": F32 | {"shape": [2.0]}}, bytes(8)),
    "shape of truths": safetensors_bytes({"a": F32 | {"shape": [2, True]}}, bytes(8)),
    "one offset": safetensors_bytes({"a": F32 | {"data_offsets": [8]}}, bytes(8)),
    "a field too many": safetensors_bytes({"a": F32 | {"strides": [1]}}, bytes(8)),
    "a hole": safetensors_bytes({"a": F32, "b": F32 | {"data_offsets": [12, 20]}}, bytes(20)),
    "an overlap": safetensors_bytes({"a": F32, "b": F32 | {"data_offsets": [4, 12]}}, bytes(12)),
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_weights_that_readers_could_take_differently_are_refused(tmp_path: Path, name: str) -> None:
    """Truncation, ambiguity and nonsense in the header are errors, each in one line."""
    path = tmp_path / "adapter_model.safetensors"
    path.write_bytes(BAD_WEIGHTS[name])
    with pytest.raises(NotPublishable) as caught:
        read_header(path)
    assert "\n" not in str(caught.value)


def test_a_sound_header_gives_every_tensor_its_place(tmp_path: Path) -> None:
    """Names, dtypes, shapes and byte ranges are those of the file."""
    path = tmp_path / "adapter_model.safetensors"
    path.write_bytes(weights())
    assert {
        "a.lora_A.weight": Tensor(dtype="F32", shape=(1, 4), begin=0, end=16),
        "a.lora_B.weight": Tensor(dtype="BF16", shape=(4, 1), begin=16, end=24),
    } == read_header(path)


def test_our_reading_agrees_with_the_safetensors_package(tmp_path: Path) -> None:
    """The reference reader sees the same tensors, and refuses what we refuse of the same corpus."""
    safetensors = pytest.importorskip("safetensors")
    path = tmp_path / "adapter_model.safetensors"
    path.write_bytes(weights())
    with safetensors.safe_open(path, framework="np") as file:
        assert set(read_header(path)) == set(file.keys())
    ours_alone = set()
    for name, data in BAD_WEIGHTS.items():
        path.write_bytes(data)
        try:
            with safetensors.safe_open(path, framework="np"):
                ours_alone.add(name)
        except safetensors.SafetensorError:
            pass
    # What the reference reader lets pass, we refuse on purpose: it is empty or ambiguous.
    assert ours_alone <= {"no tensor", "a key given twice", "a field too many", "header begins with a space"}


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=64), cut=st.integers(0, 300), at=st.integers(0, 300))
def test_no_bytes_make_the_readers_crash(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, at: int
) -> None:
    """Whatever lies in the file, the answer is a header or NotPublishable."""
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    for whole, read in ((weights(), read_header), (gguf_adapter(), check_adapter)):
        for mutant in (data, whole[:cut], whole[:at] + data + whole[at:], whole[:at] + data):
            path.write_bytes(mutant)
            try:
                read(path)
            except NotPublishable:
                continue


@pytest.mark.parametrize("length", range(1, len(gguf_adapter()), 7))
def test_a_gguf_adapter_cut_anywhere_is_refused(tmp_path: Path, length: int) -> None:
    """No truncation passes, since an engine may load the missing rest as zeros."""
    path = tmp_path / "adapter.gguf"
    path.write_bytes(gguf_adapter())
    check_adapter(path)
    path.write_bytes(gguf_adapter()[:length])
    with pytest.raises(NotPublishable):
        check_adapter(path)


BAD_GGUF = {
    "another file": b"PK\x03\x04" + bytes(100),
    "an old version": b"GGUF" + struct.pack("<I", 1) + gguf_adapter()[8:],
    "a model": gguf_adapter(kind="model"),
    "no tensor": b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + bytes(64),
    "endless fields": b"GGUF" + struct.pack("<IQQ", 3, 1, 1 << 60),
    "an endless name": b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 1 << 60),
    "an unknown kind of value": b"GGUF"
    + struct.pack("<IQQ", 3, 1, 1)
    + gguf_text("a")
    + struct.pack("<I", 99),
    "bytes after the end": gguf_adapter() + bytes(64),
}


@pytest.mark.parametrize("name", BAD_GGUF)
def test_a_gguf_that_is_no_whole_adapter_is_refused(tmp_path: Path, name: str) -> None:
    """Foreign, old, oversized or empty: an error that names the file."""
    path = tmp_path / "adapter.gguf"
    path.write_bytes(BAD_GGUF[name])
    with pytest.raises(NotPublishable, match=r"adapter\.gguf"):
        check_adapter(path)


def test_a_gguf_of_the_gguf_package_passes(tmp_path: Path) -> None:
    """What the writer that we use writes, with several tensors and F16, is accepted."""
    gguf = pytest.importorskip("gguf")
    np = pytest.importorskip("numpy")
    path = tmp_path / "adapter.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)
    writer.add_tensor("blk.0.attn_q.weight.lora_a", np.ones((3, 5), dtype=np.float32))
    writer.add_tensor("blk.0.attn_q.weight.lora_b", np.ones((7, 3), dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    check_adapter(path)
    path.write_bytes(path.read_bytes()[:-33])
    with pytest.raises(NotPublishable):
        check_adapter(path)


def _remove(name: str) -> Callable[[Path], None]:
    return lambda staged: (staged / name).unlink()


def _write(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda staged: (staged / name).write_bytes(data)


def _link(staged: Path) -> None:
    (staged / "adapter_config.json").rename(staged.parent / "elsewhere")
    (staged / "adapter_config.json").symlink_to(staged.parent / "elsewhere")


SPOILED = {
    "no config": (_remove("adapter_config.json"), "lacks adapter_config.json"),
    "no weights": (_remove("adapter_model.safetensors"), "lacks adapter_model.safetensors"),
    "an empty file": (_write("adapter.gguf", b""), "empty, or not a plain file"),
    "a pickle beside": (_write("adapter_model.bin", b"x"), "holds adapter_model.bin"),
    "a folder beside": (lambda staged: (staged / "checkpoint-1").mkdir(), "holds checkpoint-1"),
    "a fifo as GGUF": (lambda staged: os.mkfifo(staged / "adapter.gguf"), "empty, or not a plain file"),
    "a link as config": (_link, "empty, or not a plain file"),
    "a config that is no JSON": (_write("adapter_config.json", b"{"), "not valid JSON"),
    "a config that is no object": (_write("adapter_config.json", b"[]"), "not a JSON object"),
    "a config with a key twice": (_write("adapter_config.json", b'{"r":1,"r":2}'), "given twice"),
    "weights cut short": (_write("adapter_model.safetensors", weights()[:-1]), "not a sound safetensors"),
    "a GGUF cut short": (_write("adapter.gguf", gguf_adapter()[:-1]), "not a sound GGUF"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_publish_refuses_and_leaves_everything_as_it_was(registry: Registry, name: str) -> None:
    """A staged directory that is no adapter is refused with the reason; nothing is published or lost."""
    spoil, why = SPOILED[name]
    staged = fill(registry.stage("night"))
    spoil(staged)
    before = sorted(path.name for path in staged.iterdir())
    with pytest.raises(NotPublishable, match=why):
        registry.publish(staged, build())
    assert before == sorted(path.name for path in staged.iterdir())
    assert [] == registry.revisions()
