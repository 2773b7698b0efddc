"""Adapters are read whole and plain, or not at all."""

from __future__ import annotations

import json

import numpy as np
import pytest
from small_parts import LAYERS, config, lora_tensors, small_base, write_lora

from persona.engine.lora import check_fits, read_lora
from persona.engine.tensors import model_tensors, stored_tensors
from persona.errors import BadInput, Damaged, Mismatch


@pytest.fixture
def base_tensors(tmp_path):
    return model_tensors(small_base(tmp_path / "base").weights)


def test_reads_what_peft_writes(tmp_path, base_tensors) -> None:
    """Rank, scale and every factor of a plain adapter are there, and it fits its base."""
    lora = read_lora(write_lora(tmp_path / "lora"))

    check_fits(lora, base_tensors)
    assert (4, 8) == (lora.rank, lora.alpha)
    assert set(LAYERS) == set(lora.modules)
    assert (96, 4) == lora.modules["model.layers.1.mlp.up_proj"].b.shape


def test_reads_the_values(tmp_path) -> None:
    """Tensors come back as they were stored, whole or their first rows."""
    tensors = lora_tensors()
    folder = write_lora(tmp_path / "lora", tensors)
    name = f"base_model.model.{LAYERS[0]}.lora_B.weight"
    stored = stored_tensors(folder / "adapter_model.safetensors")[name]

    np.testing.assert_array_equal(tensors[name], stored.read())
    np.testing.assert_array_equal(tensors[name][:3], stored.read(3))


def test_bf16_loses_nothing(tmp_path) -> None:
    """numpy has no bf16; its values come as float32, exactly."""
    values = np.array([[1.0, -2.5, 3.140625, 1e-30]], dtype=np.float32)
    bits = (values.view(np.uint32) >> 16).astype("<u2")
    exact = (bits.astype(np.uint32) << 16).view(np.float32)
    header = json.dumps({"t": {"dtype": "BF16", "shape": [1, 4], "data_offsets": [0, 8]}}).encode()
    file = tmp_path / "bf16.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + bits.tobytes())

    np.testing.assert_array_equal(exact, stored_tensors(file)["t"].read())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"use_rslora": True}, "use_rslora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "all"}, "bias"),
        ({"alpha_pattern": {"q_proj": 32}}, "alpha_pattern"),
        ({"layers_to_transform": [0]}, "layers_to_transform"),
        ({"auto_mapping": {"parent_library": "os"}}, "auto_mapping"),
        ({"lora_bias": True}, "lora_bias"),
        ({"an_option_of_next_year": {"on": True}}, "an_option_of_next_year"),
        ({"peft_type": "IA3"}, "LoRA"),
    ],
)
def test_other_kinds_are_refused(tmp_path, changes, named) -> None:
    """What one engine might ignore and the other apply is an error that names the option."""
    with pytest.raises(BadInput, match=named):
        read_lora(write_lora(tmp_path / "lora", plain=config(**changes)))


@pytest.mark.parametrize("layer", ["lm_head", "model.embed_tokens"])
def test_heads_and_embeddings_are_refused(tmp_path, layer) -> None:
    """They are often one tensor, and an adapter on one of them would change both."""
    tensors = lora_tensors()
    for half, shape in (("A", (4, 64)), ("B", (64, 4))):
        tensors[f"base_model.model.{layer}.lora_{half}.weight"] = np.ones(shape, dtype=np.float16)

    with pytest.raises(BadInput, match=layer):
        read_lora(write_lora(tmp_path / "lora", tensors))


def test_other_tensors_are_refused(tmp_path) -> None:
    """A magnitude vector or a saved module has no place in a plain adapter."""
    name = f"base_model.model.{LAYERS[0]}.lora_magnitude_vector.weight"
    tensors = lora_tensors() | {name: np.ones(64, dtype=np.float16)}

    with pytest.raises(BadInput, match="lora_magnitude_vector"):
        read_lora(write_lora(tmp_path / "lora", tensors))


def test_pickles_are_not_read(tmp_path) -> None:
    """An adapter_model.bin is no substitute for safetensors: loading one can run code."""
    folder = write_lora(tmp_path / "lora")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")

    with pytest.raises(BadInput, match="can run code"):
        read_lora(folder)


def test_a_folder_without_adapter_is_refused(tmp_path) -> None:
    """The error says what an adapter is."""
    with pytest.raises(BadInput, match=r"adapter_config\.json"):
        read_lora(tmp_path)


@pytest.mark.parametrize("text", ["", "[]x", '{"r": 1, "r": 2}'])
def test_a_broken_config_is_damage(tmp_path, text) -> None:
    """Whatever is not one JSON value is Damaged."""
    folder = write_lora(tmp_path / "lora")
    (folder / "adapter_config.json").write_text(text, encoding="utf-8")

    with pytest.raises(Damaged, match=r"adapter_config\.json"):
        read_lora(folder)


@pytest.mark.parametrize(
    "changes", [{"r": 0}, {"r": True}, {"lora_alpha": -1}, {"lora_alpha": "16"}, {"r": 2.5}]
)
def test_a_scale_that_is_none_is_damage(tmp_path, changes) -> None:
    """Rank and alpha are positive numbers."""
    with pytest.raises(Damaged, match=next(iter(changes))):
        read_lora(write_lora(tmp_path / "lora", plain=config(**changes)))


def test_half_a_module_is_damage(tmp_path) -> None:
    """Both factors belong together, and their ranks agree."""
    tensors = lora_tensors()
    del tensors[f"base_model.model.{LAYERS[0]}.lora_A.weight"]
    with pytest.raises(Damaged, match="one of its two factors"):
        read_lora(write_lora(tmp_path / "one", tensors))

    tensors = lora_tensors()
    tensors[f"base_model.model.{LAYERS[0]}.lora_A.weight"] = np.ones((5, 64), dtype=np.float16)
    with pytest.raises(Damaged, match="the factors of"):
        read_lora(write_lora(tmp_path / "two", tensors))


def test_a_broken_number_is_damage(tmp_path) -> None:
    """One value that is no number would spoil every answer."""
    tensors = lora_tensors()
    tensors[f"base_model.model.{LAYERS[1]}.lora_B.weight"][0, 0] = np.nan
    lora = read_lora(write_lora(tmp_path / "lora", tensors))

    assert lora.factors(LAYERS[0])
    with pytest.raises(Damaged, match="no finite numbers"):
        lora.factors(LAYERS[1])


def test_a_cut_file_is_damage(tmp_path) -> None:
    """Safetensors that end early are found before any tensor is read."""
    file = write_lora(tmp_path / "lora") / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-2])

    with pytest.raises(Damaged, match="adapter_model"):
        read_lora(file.parent)


def test_missing_and_unexpected_layers_are_refused(tmp_path, base_tensors) -> None:
    """Exactly the layers that the configuration names on this base: one less or one more is an error."""
    less = read_lora(write_lora(tmp_path / "less", lora_tensors(LAYERS[1:])))
    more = read_lora(write_lora(tmp_path / "more", plain=config(target_modules=["q_proj"])))
    renamed = {name.replace("layers.1", "layers.7"): value for name, value in lora_tensors().items()}
    other = read_lora(write_lora(tmp_path / "other", renamed))

    with pytest.raises(Mismatch, match=f"lacks the tensors of {LAYERS[0]}"):
        check_fits(less, base_tensors)
    with pytest.raises(Mismatch, match="does not name"):
        check_fits(more, base_tensors)
    with pytest.raises(Mismatch, match=r"layers\.7"):
        check_fits(other, base_tensors)


def test_another_shape_is_refused(tmp_path, base_tensors) -> None:
    """An adapter of a base with other widths does not fit, and the error gives both."""
    tensors = lora_tensors()
    tensors[f"base_model.model.{LAYERS[0]}.lora_B.weight"] = np.ones((80, 4), dtype=np.float16)

    with pytest.raises(Mismatch, match="80 x 64 weights and the base has 64 x 64"):
        check_fits(read_lora(write_lora(tmp_path / "lora", tensors)), base_tensors)


def test_targets_may_be_a_pattern(tmp_path, base_tensors) -> None:
    """peft takes a regular expression for the whole name; so does the check."""
    layers = [layer for layer in LAYERS if layer.endswith("v_proj")]
    plain = config(target_modules=r".*\.v_proj")

    check_fits(read_lora(write_lora(tmp_path / "lora", lora_tensors(layers), plain)), base_tensors)
