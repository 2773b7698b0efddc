"""Takes a model's files out of a folder as Hugging Face lays them out: data only, never code.

Of everything in the folder a fixed list of names is taken. Pickled weights are refused, files of Python are
not looked at, and what a JSON file says of them is cut out.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.digest import parse
from persona.base.folder import wrong_header
from persona.base.gguf_header import GgufHeader, read_gguf_header
from persona.base.speech import Speech, own_speech
from persona.errors import BadInput

_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors", re.ASCII)
_INDEX = "model.safetensors.index.json"
_COPIED = ("tokenizer.json", _INDEX, "generation_config.json", "special_tokens_map.json")
_PICKLES = {".bin", ".pt", ".pth", ".pkl", ".ckpt"}
_TEMPLATE = "chat_template.jinja"

# `auto_map` names Python to run, and a template lies beside the weights and nowhere else.
_CUT = ("auto_map", "chat_template")

WANTED = ("config.json", "tokenizer_config.json", _TEMPLATE, *_COPIED)


def is_weights(name: str) -> bool:
    """Whether a file of this name is taken as (part of) the weights."""
    return _WEIGHTS.fullmatch(name) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFolder:
    """A folder that was looked at and is fit to be a base. `gguf` is None or the one GGUF in it."""

    path: Path
    weights: tuple[Path, ...]
    gguf: Path | None
    quantisation: str
    speech: Speech

    @property
    def size(self) -> int:
        """Bytes of everything that would be taken."""
        files = [*self.weights, *([self.gguf] if self.gguf else [])]
        files += [self.path / name for name in WANTED if (self.path / name).is_file()]
        return sum(file.stat().st_size for file in files)

    def take(self, weights: Path, gguf: Path, copied: Callable[[int], None]) -> None:
        """Copy the weights and their JSON into the folder `weights` and the GGUF to `gguf`.

        Copies, never links: what the user does to the folder afterwards must not reach the base.
        `copied` is told the bytes of each file.
        """
        plain = [self.path / name for name in _COPIED if (self.path / name).is_file()]
        pairs = [(file, weights / file.name) for file in (*self.weights, *plain)]
        pairs += [(self.gguf, gguf)] if self.gguf else []
        for source, target in pairs:
            shutil.copyfile(source, target)
            copied(source.stat().st_size)
        for name in ("config.json", "tokenizer_config.json"):
            if (self.path / name).is_file():
                values = _read_json(self.path / name)
                kept = {key: value for key, value in values.items() if key not in _CUT}
                (weights / name).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
                copied((self.path / name).stat().st_size)


def look_at(folder: Path) -> ModelFolder:
    """What `folder` holds. BadInput says what is missing or why it cannot be a base."""
    names = {entry.name for entry in folder.iterdir() if entry.is_file()}
    for needed in ("config.json", "tokenizer.json"):
        if needed not in names:
            raise BadInput(f"{folder}: it has no {needed}, so it is not the folder of a model")
    weights = sorted(name for name in names if is_weights(name))
    if not weights:
        pickled = any(Path(name).suffix in _PICKLES for name in names)
        why = "its weights are pickled, which can run code" if pickled else "it has no model.safetensors"
        raise BadInput(f"{folder}: {why}; a base needs its weights as safetensors")
    _check_shards(folder, names, weights)
    for name in weights:
        if wrong := wrong_header(folder / name):
            raise BadInput(f"{folder / name}: {wrong}; get it again")
    config = _read_json(folder / "config.json")
    _check_config(folder, config)
    gguf = _the_gguf(folder, names)
    header = _fitting_header(folder, gguf, config) if gguf else None
    return ModelFolder(
        path=folder,
        weights=tuple(folder / name for name in weights),
        gguf=gguf,
        quantisation=header.quantisation if header else "none",
        speech=own_speech(folder, _template(folder)),
    )


def _check_shards(folder: Path, names: set[str], weights: list[str]) -> None:
    if _INDEX in names and "model.safetensors" not in names:
        index = _read_json(folder / _INDEX).get("weight_map")
        listed = set(index.values()) if isinstance(index, dict) else set()
        if listed != set(weights):
            raise BadInput(f"{folder}: {_INDEX} names other files than the folder holds")
    elif weights != ["model.safetensors"]:
        raise BadInput(f"{folder}: its weights are neither one file nor files with an index")


def _check_config(folder: Path, config: Mapping[str, Any]) -> None:
    for key, kind in (("model_type", str), ("max_position_embeddings", int)):
        if not isinstance(config.get(key), kind):
            raise BadInput(f"{folder}: its config.json gives no {key}, so it is not a plain language model")
    if config.get("quantization_config"):
        raise BadInput(f"{folder}: its weights are quantised; a base needs the original ones")


def _the_gguf(folder: Path, names: set[str]) -> Path | None:
    found = sorted(name for name in names if name.endswith(".gguf"))
    if len(found) > 1:
        raise BadInput(f"{folder}: it holds {len(found)} GGUF files; leave the one that is to be served")
    return folder / found[0] if found else None


def _fitting_header(folder: Path, gguf: Path, config: Mapping[str, Any]) -> GgufHeader:
    try:
        header = read_gguf_header(gguf)
    except ValueError as error:
        raise BadInput(f"{gguf}: {error}") from None
    for key, name in (("block_count", "num_hidden_layers"), ("embedding_length", "hidden_size")):
        if header.number(key) != config.get(name):
            raise BadInput(
                f"{gguf}: its {key} is {header.number(key)} and {name} in config.json is {config.get(name)}: "
                f"it is not the model that {folder} holds"
            )
    return header


def _template(folder: Path) -> str:
    if (folder / _TEMPLATE).is_file():
        return (folder / _TEMPLATE).read_text(encoding="utf-8")
    settings = folder / "tokenizer_config.json"
    given = _read_json(settings).get("chat_template") if settings.is_file() else None
    if isinstance(given, list):  # several, by name
        given = {entry.get("name"): entry.get("template") for entry in given if isinstance(entry, dict)}.get(
            "default"
        )
    if not isinstance(given, str):
        raise BadInput(f"{folder}: it has no chat template; put one there as {_TEMPLATE}")
    return given


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = parse(file.read_bytes())
    except ValueError as error:
        raise BadInput(f"{file}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInput(f"{file}: not a JSON object")
    return value
