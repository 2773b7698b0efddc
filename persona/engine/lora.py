"""A LoRA adapter as PEFT writes it: two files, read strictly and without torch.

What is not plain LoRA on linear layers is refused here, once, so that both engines serve the same thing:
an option that one of them would ignore never reaches it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.digest import parse
from adapters.layout import CONFIG, WEIGHTS
from persona.engine.tensors import StoredTensor, stored_tensors
from persona.errors import BadInput, Damaged, Mismatch

_PREFIX = "base_model.model."
_HALF = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<half>[AB])\.weight")

# Keys that may say what they like: they decide nothing at inference, or are read below.
_FREE = frozenset({
    "base_model_name_or_path", "inference_mode", "init_lora_weights", "lora_alpha", "lora_dropout",
    "peft_type", "peft_version", "r", "rank_pattern", "revision", "target_modules", "task_type",
})  # fmt: skip
# Every other key must say nothing: None, False, empty, or what peft writes when the option is off.
_OFF: Mapping[str, Any] = {"bias": "none", "megatron_core": "megatron.core", "qalora_group_size": 16}
_NOT_IN_BLOCKS = frozenset({"lm_head", "embed_tokens", "wte", "embed_out"})  # often tied to each other
_ADVICE = "restore it from a backup, or build the revision again"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraModule:
    """The two factors on one linear layer: its weight gains B·A times alpha / rank."""

    a: StoredTensor
    b: StoredTensor

    @property
    def rank(self) -> int:
        return self.a.shape[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """One adapter folder. `modules` goes by a layer's name in the base ("model.layers.0.mlp.up_proj")."""

    path: Path
    rank: int
    alpha: float
    target_modules: tuple[str, ...] | str
    modules: Mapping[str, LoraModule]

    def targets(self, layer: str) -> bool:
        """Whether the configuration asks for an adapter on this layer, by peft's rule."""
        if isinstance(self.target_modules, str):
            return re.fullmatch(self.target_modules, layer) is not None
        return any(layer == name or layer.endswith("." + name) for name in self.target_modules)

    def factors(self, layer: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """A and B of one layer, as stored. Damaged if a value is no finite number."""
        module = self.modules[layer]
        both = module.a.read(), module.b.read()
        if not all(np.isfinite(factor).all() for factor in both):
            raise Damaged(self.path / WEIGHTS, f"{layer} has values that are no finite numbers", _ADVICE)
        return both


def read_lora(path: Path) -> Lora:
    """The adapter in the folder `path`; its tensors are described, not yet read.

    BadInput for an adapter of a kind that persona does not serve, Damaged for files that are not whole.
    """
    config = _config(path / CONFIG)
    if not (path / WEIGHTS).is_file():
        raise BadInput(f"{path}: holds no {WEIGHTS}; adapters in other formats can run code and are not read")
    targets = config.get("target_modules")
    return Lora(
        path=path,
        rank=_positive(path, config, "r", int),
        alpha=_positive(path, config, "lora_alpha", float),
        target_modules=targets if isinstance(targets, str) else tuple(sorted(targets or ())),
        modules=_modules(path / WEIGHTS),
    )


def check_fits(lora: Lora, base: Mapping[str, StoredTensor]) -> None:
    """Mismatch unless `lora` adapts exactly the layers it says, and each with the shapes of the base's."""
    wanted = {
        name.removesuffix(".weight")
        for name, tensor in base.items()
        if name.endswith(".weight") and len(tensor.shape) == 2 and lora.targets(name.removesuffix(".weight"))
    }
    _refuse(lora, set(lora.modules) - wanted, "adapts {}, which its configuration or the base does not name")
    _refuse(lora, wanted - set(lora.modules), "lacks the tensors of {}")
    for name, module in lora.modules.items():
        rows, columns = base[f"{name}.weight"].shape
        if module.a.shape[1] != columns or module.b.shape[0] != rows:
            raise Mismatch(
                f"{lora.path}: {name} is made for {module.b.shape[0]} x {module.a.shape[1]} weights "
                f"and the base has {rows} x {columns}: use the base that it was built on"
            )


def _refuse(lora: Lora, layers: set[str], complaint: str) -> None:
    if layers:
        others = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
        what = complaint.format(min(layers) + others)
        raise Mismatch(f"{lora.path}: {what}: it belongs to another base, or is not whole")


def _config(file: Path) -> Mapping[str, Any]:
    try:
        config = parse(file.read_bytes())
    except OSError as error:
        raise BadInput(
            f"{file}: {error.strerror}; a PEFT adapter is a folder with {CONFIG} and {WEIGHTS}"
        ) from None
    except ValueError as error:
        raise Damaged(file, f"not valid JSON ({error})", _ADVICE) from None
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise BadInput(f"{file}: not a LoRA adapter; persona serves no other kind")
    for key, value in config.items():
        if key not in _FREE and value and value != _OFF.get(key):
            raise BadInput(f"{file}: {key} is {value!r}; persona serves plain LoRA, without it")
    return config


def _modules(file: Path) -> Mapping[str, LoraModule]:
    halves: dict[str, dict[str, StoredTensor]] = {}
    for name, tensor in stored_tensors(file).items():
        match = _HALF.fullmatch(name)
        if match is None:
            what = name.removeprefix(_PREFIX)
            raise BadInput(
                f"{file}: {what} is not a LoRA factor of a linear layer; persona serves no other tensors"
            )
        if match["module"].rpartition(".")[2] in _NOT_IN_BLOCKS:
            raise BadInput(
                f"{file}: it adapts {match['module']}; persona serves adapters of the blocks' layers only"
            )
        halves.setdefault(match["module"], {})[match["half"]] = tensor
    for name, pair in halves.items():
        if set(pair) != {"A", "B"}:
            raise Damaged(file, f"{name} has only one of its two factors", _ADVICE)
        shapes = pair["A"].shape, pair["B"].shape
        if [len(shape) for shape in shapes] != [2, 2] or shapes[0][0] != shapes[1][1]:
            raise Damaged(file, f"the factors of {name} are {shapes[0]} and {shapes[1]}", _ADVICE)
    return {name: LoraModule(a=pair["A"], b=pair["B"]) for name, pair in halves.items()}


def _positive(path: Path, config: Mapping[str, Any], key: str, kind: type[Any]) -> Any:
    value = config.get(key)
    if isinstance(value, bool) or not isinstance(value, int | kind) or not value > 0:
        raise Damaged(path / CONFIG, f"{key} is {value!r}", _ADVICE)
    return value
