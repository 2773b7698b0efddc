"""An engine is opened for what was published, on the base that it was built on, or not at all."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from contracts.engine_contract import FRUITS, SHORT
from safetensors.numpy import load_file, save_file
from small_parts import small_base, write_lora

from adapters import BARE, Build, Registry, Revision
from persona.base import Base
from persona.engine import opener
from persona.engine.gguf_adapter import write_gguf_adapter
from persona.engine.opener import engine_kind, open_base_engine, open_engine, open_scorer
from persona.errors import BadInput, BaseMismatch, Damaged, EngineError


def build_on(base: Base) -> Build:
    return Build(
        identity="me",
        parent="r0",
        base=base.ref,
        snapshot="d-" + "0" * 24,
        recipe={"quantisation": "none"},
        seed=1,
        versions={},
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


def publish(registry: Registry, base: Base, folder: Path, *, served: bool = True) -> Revision:
    """The adapter in `folder` as a revision, with or without its file for llama.cpp."""
    staged = registry.stage("candidate")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (staged / name).write_bytes((folder / name).read_bytes())
    if served:
        write_gguf_adapter(staged, base, staged / "adapter.gguf")
    return registry.publish(staged, build_on(base))


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry.open(tmp_path / "adapters")


@pytest.fixture
def base(tmp_path) -> Base:
    return small_base(tmp_path / "base")


@pytest.fixture
def revision(registry, base, tmp_path) -> Revision:
    return publish(registry, base, write_lora(tmp_path / "lora"))


@pytest.fixture
def openers(monkeypatch):
    """open_engine of either kind and open_scorer, for a machine where nothing can be loaded."""

    def no_engine(*args: object, **kwargs: object) -> None:
        raise AssertionError("a check should have come before loading")

    monkeypatch.setattr("persona.engine.llama_cpp.LlamaCppEngine", no_engine)
    monkeypatch.setattr("persona.engine.transformers_engine.TransformersEngine", no_engine)
    monkeypatch.setattr("persona.engine.scorer.TransformersScorer", no_engine)
    return [
        lambda base, revision: open_engine(base, revision, kind="llama_cpp"),
        lambda base, revision: open_engine(base, revision, kind="transformers"),
        open_scorer,
    ]


@pytest.mark.parametrize("part", ["weights", "gguf", "tokenizer", "template", "quantisation"])
def test_every_part_of_the_base_has_to_be_the_same(base, revision, openers, part) -> None:
    """Other weights, another file, tokenizer, template or quantisation: refused before anything is loaded."""
    parts = dataclasses.replace(base.parts, **{part: "sha256:" + "1" * 64})
    other = dataclasses.replace(base, parts=parts)

    for opening in openers:
        with pytest.raises(BaseMismatch, match=revision.ref):
            opening(other, revision)


@pytest.mark.parametrize("name", ["adapter.gguf", "adapter_model.safetensors", "adapter_config.json"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone", "joined"])
def test_damage_is_found_before_loading(base, revision, openers, name, damage) -> None:
    """A flipped bit, a missing end, a missing file or one too many in the revision's folder is Damaged."""
    file = revision.path / name
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif damage == "cut":
        file.write_bytes(data[:-1])
    elif damage == "gone":
        file.unlink()
    else:
        (revision.path / f"{name}.bin").write_bytes(data)

    for opening in openers:
        with pytest.raises(Damaged, match="adapter"):
            opening(base, revision)


def test_llama_cpp_needs_its_file(registry, base, tmp_path, openers) -> None:
    """A revision that was published without adapter.gguf is for transformers, and the error says so."""
    revision = publish(registry, base, write_lora(tmp_path / "lora"), served=False)

    with pytest.raises(BadInput, match="transformers"):
        open_engine(base, revision, kind="llama_cpp")


def test_the_kind_follows_from_base_and_device(base, monkeypatch) -> None:
    """llama.cpp on a CPU where the base has a GGUF, transformers elsewhere, and what is named is taken."""
    without = dataclasses.replace(base, gguf=None)
    monkeypatch.setattr(opener, "_has_cuda", lambda: False)

    assert "llama_cpp" == engine_kind(base)
    assert "llama_cpp" == engine_kind(base, device="cpu")
    assert "transformers" == engine_kind(base, device="cuda")
    assert "transformers" == engine_kind(without)
    assert "transformers" == engine_kind(base, "transformers")
    monkeypatch.setattr(opener, "_has_cuda", lambda: True)
    assert "transformers" == engine_kind(base)
    assert "llama_cpp" == engine_kind(base, device="cpu")


class Loaded:
    """Stands where an engine is loaded: says whether its adapter applies, and whether it was closed."""

    def __init__(self, effect: float) -> None:
        self.effect = effect
        self.closed = False

    def adapter_effect(self) -> float:
        if self.effect < 0:
            raise EngineError("the probe failed")
        return self.effect

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("effect", [0.0, -1.0])
def test_an_adapter_without_effect_is_refused(base, revision, monkeypatch, effect) -> None:
    """What changes nothing, or cannot be asked, is closed again and not served."""
    loaded = Loaded(effect)
    monkeypatch.setattr("persona.engine.llama_cpp.LlamaCppEngine", lambda *args, **kwargs: loaded)

    with pytest.raises(EngineError):
        open_engine(base, revision, kind="llama_cpp")
    assert loaded.closed


def test_the_bare_base_needs_no_effect(base, monkeypatch) -> None:
    """r0 has no adapter that could apply."""
    loaded = Loaded(0.0)
    monkeypatch.setattr("persona.engine.llama_cpp.LlamaCppEngine", lambda *args, **kwargs: loaded)

    assert loaded is open_base_engine(base, kind="llama_cpp")
    assert not loaded.closed


@pytest.fixture(scope="session")
def published(starter_base, lora_folder, tmp_path_factory) -> Revision:
    registry = Registry.open(tmp_path_factory.mktemp("published") / "adapters")
    return publish(registry, starter_base, lora_folder)


@pytest.mark.base
@pytest.mark.parametrize("kind", ["llama_cpp", "transformers"])
def test_opens_what_was_published(starter_base, published, kind) -> None:
    """Both engines answer with the revision, name it, and answer otherwise than the base."""
    engine, bare = open_engine(starter_base, published, kind=kind), open_engine(starter_base, BARE, kind=kind)
    try:
        assert (published.id, "r0") == (engine.revision, bare.revision)
        assert engine.complete([FRUITS], SHORT)[0].text != bare.complete([FRUITS], SHORT)[0].text
    finally:
        engine.close()
        bare.close()


@pytest.mark.base
def test_a_revision_that_learned_nothing_is_refused(starter_base, lora_folder, registry, tmp_path) -> None:
    """An adapter of zeros is sound in every file, and shows nothing of itself."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "adapter_config.json").write_bytes((lora_folder / "adapter_config.json").read_bytes())
    tensors = load_file(lora_folder / "adapter_model.safetensors")
    save_file(
        {name: np.zeros_like(value) if "lora_B" in name else value for name, value in tensors.items()},
        empty / "adapter_model.safetensors",
    )
    revision = publish(registry, starter_base, empty)

    for opening in (
        lambda: open_engine(starter_base, revision, kind="llama_cpp"),
        lambda: open_scorer(starter_base, revision),
    ):
        with pytest.raises(EngineError, match="changes nothing"):
            opening()
