"""A prepared base on disk: base.json, which names every file with size and digest, and the files.

    bases/<name>/base.json      written last; without it there is no base
                 template.jinja
                 weights/       config.json, *.safetensors, tokenizer.json, ...
                 model.gguf     what llama.cpp serves, where there is one

Reading a base checks all that is cheap (sizes, headers, digests of small files); `verify_base` checks the
rest. What can be derived from the files is not written down twice.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.digest import canonical, digest, digest_file, parse
from adapters.errors import NotPublishable
from adapters.safetensors import read_header
from persona.base.gguf_header import read_gguf_header
from persona.base.record import Base, FingerprintParts
from persona.base.starters import STARTERS
from persona.errors import Damaged, TemplateMismatch, TemplateRefused, UnknownBase
from persona.paths import Home
from persona.template import Template

RECORD = "base.json"
TEMPLATE = "template.jinja"
GGUF = "model.gguf"
WEIGHTS = "weights"
CONFIG = f"{WEIGHTS}/config.json"
TOKENIZER = f"{WEIGHTS}/tokenizer.json"

_ADVICE = "run `persona init` again to make the base anew"
_SMALL = 8_000_000  # bytes; files up to this size are hashed each time a base is read
_NOT_IDENTITY = {"_name_or_path", "transformers_version"}  # of config.json: who wrote it, not what it says

FileName = Annotated[str, Field(pattern=r"^(weights/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]


class FileEntry(BaseModel):
    """What a file was when the base was published; `size` in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size: int = Field(ge=0)
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")


class Record(BaseModel):
    """The content of base.json."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["persona.base/1"] = "persona.base/1"
    name: str
    spec: str
    commit: str = ""
    eos: str = Field(min_length=1)
    stops: tuple[str, ...]
    tokens: dict[str, str]
    controls: tuple[str, ...]
    template: str
    quantisation: str
    files: dict[FileName, FileEntry]
    fingerprint: str
    made_with: dict[str, str]

    def parts(self, path: Path, template: Template) -> FingerprintParts:
        """The fingerprint's parts that follow from the recorded digests and config.json."""
        config = {key: value for key, value in _config(path).items() if key not in _NOT_IDENTITY}
        tensors = {file: entry.digest for file, entry in self.files.items() if file.endswith(".safetensors")}
        return FingerprintParts(
            weights=digest(canonical({"config": config, "tensors": tensors})),
            gguf=self.files[GGUF].digest if GGUF in self.files else None,
            tokenizer=self.files[TOKENIZER].digest,
            template=template.digest,
            quantisation=self.quantisation,
        )


def load_base(paths: Home, name: str) -> Base:
    """The prepared base `name`, after its cheap checks; loads no weights and no torch.

    UnknownBase if there is none, Damaged if a file is missing, cut or changed, TemplateMismatch if this
    version of persona would not render with the base's template as it was prepared.
    """
    path = paths.base(name)
    if not (path / RECORD).is_file():
        raise UnknownBase(name, sorted({*STARTERS, *prepared_bases(paths)}))
    record = read_record(path)
    if record.name != name:
        raise Damaged(path / RECORD, f"belongs to a base named {record.name!r}", _ADVICE)
    return _base(path, record)


def verify_base(base: Base) -> None:
    """Hash every file of `base` again. Damaged names the first that is not what it was."""
    record = read_record(base.path)
    if _base(base.path, record).fingerprint != base.fingerprint:
        raise Damaged(base.path / RECORD, "it now describes another base", _ADVICE)
    for name, entry in record.files.items():
        if digest_file(base.path / name) != entry.digest:
            raise Damaged(base.path / name, "its content has changed", _ADVICE)


def prepared_bases(paths: Home) -> list[str]:
    """Names of the bases in this home, whatever their state."""
    return sorted(record.parent.name for record in paths.bases.glob(f"[!.]*/{RECORD}"))


def read_record(path: Path) -> Record:
    """base.json of the base at `path`. Damaged if it is not what persona writes."""
    file = path / RECORD
    try:
        record = Record.model_validate_json(json.dumps(parse(file.read_bytes())))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Damaged(file, f"{where}: {first['msg']}", _ADVICE) from None
    except (OSError, ValueError) as error:
        raise Damaged(file, f"not readable: {error}", _ADVICE) from None
    for needed in (TEMPLATE, CONFIG, TOKENIZER):
        if needed not in record.files:
            raise Damaged(file, f"names no {needed}", _ADVICE)
    return record


def _base(path: Path, record: Record) -> Base:
    for name, entry in record.files.items():
        _check_cheaply(path / name, entry)
    for file in (path / WEIGHTS).iterdir():  # a library would find and load what does not belong there
        if f"{WEIGHTS}/{file.name}" not in record.files:
            raise Damaged(file, "not part of the base", "remove it")
    source = (path / TEMPLATE).read_bytes().decode("utf-8")
    config = _config(path)
    try:
        template = Template(source, eos=record.eos, tokens=record.tokens, controls=record.controls)
    except TemplateRefused as error:
        raise Damaged(path / TEMPLATE, str(error), _ADVICE) from None
    if template.digest != record.template:
        raise TemplateMismatch(record.name, record.template, template.digest)
    parts = record.parts(path, template)
    if parts.fingerprint != record.fingerprint:
        raise Damaged(path / RECORD, "its fingerprint is not that of its files", _ADVICE)
    return Base(
        name=record.name,
        path=path,
        spec=record.spec,
        architecture=config["model_type"],
        weights=path / WEIGHTS,
        gguf=path / GGUF if GGUF in record.files else None,
        template_source=source,
        eos=record.eos,
        context_length=config["max_position_embeddings"],
        parts=parts,
        stops=record.stops,
        tokens=record.tokens,
        controls=record.controls,
    )


def _config(path: Path) -> Mapping[str, Any]:
    try:
        config = parse((path / CONFIG).read_bytes())
    except ValueError as error:
        raise Damaged(path / CONFIG, f"not JSON: {error}", _ADVICE) from None
    if not isinstance(config, dict):
        raise Damaged(path / CONFIG, "not a model's config", _ADVICE)
    for key, kind in (("model_type", str), ("max_position_embeddings", int)):
        if not isinstance(config.get(key), kind):
            raise Damaged(path / CONFIG, f"it gives no {key}", _ADVICE)
    return config


def _check_cheaply(file: Path, entry: FileEntry) -> None:
    try:
        found = file.lstat()
    except FileNotFoundError:
        raise Damaged(file, "it is missing", _ADVICE) from None
    if not stat.S_ISREG(found.st_mode):
        raise Damaged(file, "not a plain file", _ADVICE)
    if found.st_size != entry.size:
        raise Damaged(file, f"{found.st_size} bytes where {entry.size} were written", _ADVICE)
    if entry.size <= _SMALL and digest_file(file) != entry.digest:
        raise Damaged(file, "its content has changed", _ADVICE)
    check_header(file)


def check_header(file: Path) -> None:
    """Damaged if a tensor file's header does not fit its length; other files pass."""
    if why := wrong_header(file):
        raise Damaged(file, why, _ADVICE)


def wrong_header(file: Path) -> str | None:
    """Why the header of a tensor file does not fit its length; None if it does, and for other files."""
    try:
        if file.suffix == ".safetensors":
            read_header(file)
        elif file.suffix == ".gguf":
            read_gguf_header(file)
    except NotPublishable as error:
        return str(error).removeprefix(f"{file}: ").removesuffix("; nothing was published")
    except ValueError as error:
        return str(error)
    return None
