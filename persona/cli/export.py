"""Take an adapter elsewhere: files that other programs read, checked before they are handed out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.durable import make_directory, write_file
from persona.cli.history import Ref
from persona.cli.output import AsJson, say, say_json
from persona.cli.session import opened
from persona.errors import BadInput

if TYPE_CHECKING:
    from adapters import Revision
    from persona.base import Base

_PEFT = ("adapter_config.json", "adapter_model.safetensors")
_GGUF = ("adapter.gguf", "Modelfile")


class Format(StrEnum):
    PEFT = "peft"
    GGUF = "gguf"


def export(
    context: typer.Context,
    ref: Ref,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made if it is not there.")],
    form: Annotated[
        Format,
        typer.Option("--format", help="peft: for Hugging Face libraries. gguf: for llama.cpp and Ollama."),
    ] = Format.PEFT,
    force: Annotated[bool, typer.Option("--force", help="Replace files of the same names.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a revision's adapter to a folder. It holds what you taught: treat it as private."""
    with opened(context) as persona:
        named = persona.resolve(ref)
        if named.id == "r0":
            raise BadInput("r0 is the bare base and has no adapter: name another revision")
        revision = persona.registry.check(named.id)
        names = _PEFT if form is Format.PEFT else _GGUF
        _refuse_to_replace(folder, names, force=force)
        make_directory(folder)
        if form is Format.PEFT:
            for name in _PEFT:
                write_file(folder / name, revision.file(name).read_bytes())
        else:
            _write_gguf(revision, persona.base, folder)
    files = [str(folder / name) for name in names]
    if as_json:
        say_json({"revision": revision.id, "ref": revision.ref, "format": form, "files": files})
    else:
        for file in files:
            say(file)


def _refuse_to_replace(folder: Path, names: tuple[str, ...], *, force: bool) -> None:
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise BadInput(f"{folder} has {', '.join(there)} already: choose another folder, or add --force")


def _write_gguf(revision: Revision, base: Base, folder: Path) -> None:
    """The adapter for llama.cpp, and a Modelfile with which `ollama create` puts it on its base."""
    adapter, modelfile = (folder / name for name in _GGUF)
    if adapter.name in revision.files:
        write_file(adapter, revision.file(adapter.name).read_bytes())
    else:
        from persona.engine.gguf_adapter import write_gguf_adapter

        write_gguf_adapter(revision.path, base, adapter)
    write_file(modelfile, _modelfile(revision, base).encode())


def _modelfile(revision: Revision, base: Base) -> str:
    source = base.gguf if base.gguf is not None else base.weights
    return (
        f"# persona {revision.ref} ({revision.id}), built on {base.name} ({revision.base.fingerprint})\n"
        f"FROM {source}\n"
        "ADAPTER ./adapter.gguf\n"
        f'PARAMETER stop "{base.eos}"\n'
    )
