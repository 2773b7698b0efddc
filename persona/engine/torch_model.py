"""Loads a base, and an adapter onto it, with torch: the one place that does.

Whatever a folder says, no code in it runs and nothing is fetched: safetensors only, no remote code, files of
this machine only; and a tensor that is missing or too many is an error, never a warning.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# ruff: noqa: E402  # these libraries read their environment when they are imported, so it is set before
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# It looks for a faster kernel on the network, which we do not want, and says that it did not find one.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

import torch
import transformers
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from persona.base import Base
from persona.engine.lora import Lora, check_fits, read_lora
from persona.engine.quantisation import Quantisation
from persona.engine.tensors import model_tensors
from persona.errors import BadInput, Damaged, EngineError

_ADVICE = "run `persona init` again to make the base anew"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """A base in memory, frozen and in evaluation mode. `weights` is the folder that it came from."""

    model: Any
    device: str
    dtype: torch.dtype
    quantisation: Quantisation
    weights: Path


def pick_device(asked: str = "auto") -> str:
    """The device that `asked` ("auto", "cpu", "cuda:1", "mps") means here; BadInput if it is not there."""
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = asked.partition(":")
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and int(number or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(kind, False):
        raise BadInput(f"no device {asked!r}: there is {', '.join(k for k, v in there.items() if v)}")
    return asked


def pick_dtype(device: str) -> torch.dtype:
    """bfloat16 where the hardware multiplies it, float32 elsewhere: emulated bf16 is slower than float32."""
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device == "cpu":
        has: Mapping[str, Any] = torch.cpu.get_capabilities()
        return torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else torch.float32
    return torch.float32


def load_model(
    base: Base, *, device: str = "auto", dtype: torch.dtype | None = None, quantisation: Quantisation = "none"
) -> LoadedModel:
    """The base's weights on `device`; `dtype` None means pick_dtype's.

    "nf4" holds the linear layers in 4 bits, doubly quantised, and computes in `dtype`.
    Damaged if the files lack a tensor or hold one too many, EngineError if they cannot be loaded.
    """
    device = pick_device(device)
    dtype = dtype or pick_dtype(device)
    if quantisation == "nf4" and device == "mps":
        raise BadInput("there is no NF4 on mps: set train.quantisation to none")
    _quiet()
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            base.weights,
            dtype=dtype,
            device_map={"": device},
            attn_implementation="eager",
            quantization_config=_nf4(dtype) if quantisation == "nf4" else None,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise EngineError(f"{base.weights}: cannot be loaded: {first}") from error
    _check_whole(base.weights, info)
    if quantisation == "nf4":
        keep_gradients(model)
    model.requires_grad_(False)
    model.eval()
    return LoadedModel(
        model=model, device=device, dtype=dtype, quantisation=quantisation, weights=base.weights
    )


def keep_gradients(model: Any) -> None:
    """Undo what bitsandbytes does on a CPU with AVX512-BF16 before it can happen.

    There it repacks a layer's weights in the first forward pass without gradients and from then on uses a
    kernel that has no backward pass: training goes on with gradients missing, and only warns.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


def attach_adapter(loaded: LoadedModel, folder: Path) -> Any:
    """A PeftModel over `loaded` with the adapter of `folder`, frozen, its factors in float32.

    Exactly the tensors that the configuration asks for: BadInput, Damaged and Mismatch otherwise
    (persona.engine.lora). The model in `loaded` is changed in place and must not be used by itself.
    """
    from peft import LoraConfig, get_peft_model

    lora = read_lora(folder)
    check_fits(lora, model_tensors(loaded.weights))
    targets = lora.target_modules
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=targets if isinstance(targets, str) else list(targets),
        rank_pattern={f"^{name}$": m.rank for name, m in lora.modules.items() if m.rank != lora.rank},
        lora_dropout=0.0,
        bias="none",
        init_lora_weights=False,
        inference_mode=True,
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of peft, on configurations that persona's reader has checked
        model = get_peft_model(loaded.model, config)
    _fill(model, lora)
    model.eval()
    return model


def adapter_effect(model: Any, tokens: Sequence[int]) -> float:
    """How far the adapter of a PeftModel moves the likeliest next tokens after `tokens`, in nats."""
    block = torch.tensor([list(tokens)], device=model.device)
    with torch.inference_mode():
        on = model(input_ids=block, logits_to_keep=1, use_cache=False).logits[0, -1].float()
        with model.disable_adapter():
            off = model(input_ids=block, logits_to_keep=1, use_cache=False).logits[0, -1].float()
    likeliest = off.topk(8).indices
    moved = on.log_softmax(-1)[likeliest] - off.log_softmax(-1)[likeliest]
    return float(moved.abs().max())


def _fill(model: Any, lora: Lora) -> None:
    """Copy every factor into the model, and leave none as it was made."""
    waiting = {name: value for name, value in model.named_parameters() if ".lora_" in name}
    for name in lora.modules:
        for half, stored in zip("AB", lora.factors(name), strict=True):
            parameter = waiting.pop(f"base_model.model.{name}.lora_{half}.default.weight", None)
            if parameter is None or tuple(parameter.shape) != stored.shape:
                raise EngineError(f"{lora.path}: peft made no place for lora_{half} of {name}")
            parameter.data = torch.from_numpy(stored.astype("float32")).to(parameter.device)
            parameter.requires_grad_(False)
    if waiting:
        raise EngineError(f"{lora.path}: holds nothing for {min(waiting)}")


def _nf4(dtype: torch.dtype) -> Any:
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _check_whole(weights: Path, info: Mapping[str, Any]) -> None:
    for kind, what in (
        ("missing_keys", "lacks"),
        ("unexpected_keys", "holds, unasked,"),
        ("mismatched_keys", "has another shape of"),
        ("error_msgs", "could not be read:"),
    ):
        if info.get(kind):
            raise Damaged(weights, f"it {what} {min(map(str, info[kind]))}", _ADVICE)


def _quiet() -> None:
    """Progress bars and advice of transformers, which would end up between the lines of the command line."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
