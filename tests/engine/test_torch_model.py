"""Bases and adapters are loaded strictly, and four bits on a CPU keep their gradients."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.numpy import load_file, save_file
from small_parts import config, small_base, write_lora
from transformers import LlamaConfig, LlamaForCausalLM

from persona.engine.torch_model import (
    adapter_effect,
    attach_adapter,
    keep_gradients,
    load_model,
    pick_device,
    pick_dtype,
)
from persona.errors import BadInput, Damaged, EngineError, Mismatch

TOKENS = [3, 14, 15, 92, 6]


@pytest.fixture
def base(tmp_path):
    """A random Llama of two blocks, as a base whose files are all there is."""
    torch.manual_seed(2)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=128,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
        )
    )
    model.save_pretrained(tmp_path / "model")
    return dataclasses.replace(small_base(tmp_path / "base"), weights=tmp_path / "model")


@pytest.fixture
def lora(base, tmp_path):
    """An adapter for it, made and saved by peft."""
    model = peft_model(load_model(base, device="cpu", dtype=torch.float32).model)
    torch.manual_seed(4)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(tmp_path / "lora")
    return tmp_path / "lora"


def peft_model(model):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(
            model,
            LoraConfig(
                r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM"
            ),
        )


def logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=torch.tensor([TOKENS])).logits[0]


def test_a_base_comes_frozen(base) -> None:
    """Loaded for evaluation, on the device and in the type that were asked for, nothing left to train."""
    loaded = load_model(base, device="cpu", dtype=torch.float32)

    assert ("cpu", torch.float32, "none") == (loaded.device, loaded.dtype, loaded.quantisation)
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert {torch.float32} == {parameter.dtype for parameter in loaded.model.parameters()}


def test_the_device_decides_the_type() -> None:
    """bfloat16 where the processor multiplies it, float32 elsewhere."""
    has = torch.cpu.get_capabilities()

    assert (torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else torch.float32) == pick_dtype(
        "cpu"
    )
    assert torch.float32 == pick_dtype("mps")


def test_a_device_that_is_not_there_is_refused() -> None:
    """The error lists what is."""
    with pytest.raises(BadInput, match="there is cpu"):
        pick_device("cuda:99")
    with pytest.raises(BadInput, match="tpu"):
        pick_device("tpu")
    assert "cpu" == pick_device("cpu")


@pytest.mark.parametrize("change", ["missing", "unexpected", "reshaped"])
def test_a_base_with_other_tensors_is_damaged(base, change) -> None:
    """transformers would warn and go on with random weights."""
    file = base.weights / "model.safetensors"
    tensors = load_file(file)
    name = "model.layers.1.mlp.down_proj.weight"
    if change == "missing":
        del tensors[name]
    elif change == "unexpected":
        tensors["model.layers.1.mlp.extra.weight"] = np.ones((2, 2), dtype=np.float32)
    else:
        tensors[name] = np.ones((64, 64), dtype=np.float32)
    save_file(tensors, file, metadata={"format": "pt"})

    with pytest.raises((Damaged, EngineError), match="model"):
        load_model(base, device="cpu")


def test_code_in_a_base_is_not_run(base) -> None:
    """A config that names a module of its own is refused, and the module is not imported."""
    config_file = base.weights / "config.json"
    plain = config_file.read_text(encoding="utf-8").replace(
        '"model_type": "llama"', '"model_type": "own", "auto_map": {"AutoModelForCausalLM": "own.Model"}'
    )
    config_file.write_text(plain, encoding="utf-8")
    (base.weights / "own.py").write_text(f"open({str(base.weights / 'ran')!r}, 'w')", encoding="utf-8")

    with pytest.raises(EngineError):
        load_model(base, device="cpu")
    assert not (base.weights / "ran").exists()


def test_a_base_of_pickles_is_refused(base) -> None:
    """Without safetensors there is nothing to load."""
    (base.weights / "model.safetensors").unlink()
    torch.save({}, base.weights / "pytorch_model.bin")

    with pytest.raises(EngineError, match="cannot be loaded"):
        load_model(base, device="cpu")


def test_an_attached_adapter_is_the_one_that_peft_saved(base, lora) -> None:
    """Logits equal those of peft's own loading, and differ from the base's."""
    from peft import PeftModel

    ours = logits(attach_adapter(load_model(base, device="cpu", dtype=torch.float32), lora))
    bare = load_model(base, device="cpu", dtype=torch.float32).model
    plain = logits(bare)
    theirs = logits(PeftModel.from_pretrained(bare, lora))

    torch.testing.assert_close(theirs, ours, rtol=0, atol=0)
    assert (ours - plain).abs().max() > 0.01


def test_the_effect_of_an_adapter_is_seen(base, lora) -> None:
    """A positive number of nats for one that does something, zero for one that does not."""
    model = attach_adapter(load_model(base, device="cpu", dtype=torch.float32), lora)
    moved = adapter_effect(model, TOKENS)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.zero_()

    assert moved > 0.01
    assert 0.0 == adapter_effect(model, TOKENS)


def test_an_adapter_that_lacks_a_layer_is_refused(base, lora) -> None:
    """peft would warn and leave the layer without."""
    file = lora / "adapter_model.safetensors"
    tensors = {
        name: value for name, value in load_file(file).items() if "layers.1.self_attn.v_proj" not in name
    }
    save_file(tensors, file)

    with pytest.raises(Mismatch, match=r"layers\.1\.self_attn\.v_proj"):
        attach_adapter(load_model(base, device="cpu"), lora)


def test_an_adapter_of_another_base_is_refused_by_torch_too(base, tmp_path) -> None:
    """Its layers have other shapes or other names."""
    with pytest.raises(Mismatch):
        attach_adapter(
            load_model(base, device="cpu"),
            write_lora(tmp_path / "other", plain=config(target_modules=["q_proj"])),
        )


def gradients(model) -> dict[str, torch.Tensor]:
    model.zero_grad()
    block = torch.tensor([TOKENS])
    model(input_ids=block, labels=block).loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_four_bits_are_four_bits(base) -> None:
    """Linear layers hold NF4 with double quantisation; the rest stays as it is."""
    from bitsandbytes.nn import Linear4bit

    loaded = load_model(base, device="cpu", quantisation="nf4")
    layers = [module for module in loaded.model.modules() if isinstance(module, Linear4bit)]

    assert 14 == len(layers)
    assert all(layer.weight.quant_type == "nf4" and layer.weight.quant_state.nested for layer in layers)
    assert all(layer.weight.dtype == torch.uint8 for layer in layers)
    dense = logits(load_model(base, device="cpu", dtype=loaded.dtype).model).float()
    assert 0.0 < (logits(loaded.model).float() - dense).abs().mean() < dense.std()


def test_four_bits_keep_their_gradients(base) -> None:
    """After a forward pass without gradients, training sees the gradients that it saw before.

    On a CPU with AVX512-BF16 bitsandbytes repacks its weights in such a pass and loses them.
    """
    model = peft_model(load_model(base, device="cpu", quantisation="nf4").model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.train()
    before = gradients(model)
    model.eval()
    logits(model)
    model.train()

    after = gradients(model)
    assert 12 == len(before)
    assert set(before) == set(after)
    for name, gradient in before.items():
        assert gradient.abs().sum() > 0
        torch.testing.assert_close(gradient, after[name], rtol=0, atol=0)


def test_the_repacking_is_what_is_switched_off(base) -> None:
    """The switch is the one that bitsandbytes looks at; a release without it needs another cure."""
    from bitsandbytes.nn import Linear4bit

    model = load_model(base, device="cpu", quantisation="nf4").model
    layer = next(module for module in model.modules() if isinstance(module, Linear4bit))
    assert layer.support_avx512bf16_for_cpu is False

    layer.support_avx512bf16_for_cpu = True
    keep_gradients(model)
    assert layer.support_avx512bf16_for_cpu is False
