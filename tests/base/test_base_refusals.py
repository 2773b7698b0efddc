"""What cannot be a base is refused in one line, and nothing of it is left."""

from __future__ import annotations

import json

import pytest
from model_parts import CHATML, write_gguf, write_model_folder

from persona.base import prepare_base, prepared_bases
from persona.errors import BadInput


def _without(name):
    return lambda model: (model / name).unlink()


def _pickled(model):
    (model / "model.safetensors").rename(model / "pytorch_model.bin")


def _without_template(model):
    write_model_folder(model, template=None)


def _broken_template(model):
    write_model_folder(model, template="{% if %}")


def _hostile_template(model):
    loop = "{% for number in range(99999) %}"
    write_model_folder(model, template=f"{loop}{loop}{{% endfor %}}{{% endfor %}}")


def _foreign_end(model):
    write_model_folder(model, template=CHATML.replace("<|im_end|>", "<|eot_id|>"))


def _quantised(model):
    write_model_folder(model, quantization_config={"quant_method": "gptq"})


def _vision(model):
    write_model_folder(model, max_position_embeddings=None)


def _two_ggufs(model):
    write_gguf(model / "a.gguf")
    write_gguf(model / "b.gguf")


def _other_gguf(model):
    write_gguf(model / "a.gguf", layers=7)


def _cut_gguf(model):
    path = write_gguf(model / "a.gguf")
    path.write_bytes(path.read_bytes()[:-1])


def _missing_shard(model):
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (model / "model.safetensors").rename(model / "model-00001-of-00002.safetensors")
    (model / "model.safetensors.index.json").write_text(json.dumps(index))


def _broken_json(model):
    (model / "config.json").write_text('{"model_type": ')


def _broken_tokenizer(model):
    (model / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_without("config.json"), "no config.json"),
        (_without("tokenizer.json"), "no tokenizer.json"),
        (_without("model.safetensors"), "no model.safetensors"),
        (_pickled, "pickled"),
        (_without_template, "no chat template"),
        (_broken_template, "not a Jinja template"),
        (_hostile_template, "loops"),
        (_foreign_end, "which is not a token"),
        (_quantised, "quantised"),
        (_vision, "max_position_embeddings"),
        (_two_ggufs, "2 GGUF files"),
        (_other_gguf, "block_count"),
        (_cut_gguf, "cut short"),
        (_missing_shard, "names other files"),
        (_broken_json, "not JSON"),
        (_broken_tokenizer, "not a tokenizer"),
    ],
)
def test_what_cannot_be_a_base_is_refused_and_leaves_nothing(home, model, spoil, why):
    """One line says why; neither a base nor a staging folder remains."""
    spoil(model)

    with pytest.raises(BadInput, match=why) as refusal:
        prepare_base(home, str(model))

    assert "\n" not in str(refusal.value)
    assert ".staging" not in str(refusal.value)
    assert [] == prepared_bases(home)
    assert {"lock"} >= {entry.name for entry in home.bases.iterdir()}


def test_weights_that_are_cut_are_refused(home, model):
    """A download that broke off is noticed before anything is published."""
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(BadInput, match=r"model.safetensors: .* get it again"):
        prepare_base(home, str(model))

    assert [] == prepared_bases(home)
