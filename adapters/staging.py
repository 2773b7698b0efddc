"""Candidates in the making: private directories that a trainer fills and publish() takes away."""

from __future__ import annotations

import os
from pathlib import Path

from adapters import gguf, layout, safetensors
from adapters.digest import digest_file, parse
from adapters.durable import make_directory, remove_directory, sweep
from adapters.errors import NotPublishable
from adapters.layout import Layout
from adapters.revision import FileRecord


def stage(where: Layout, name: str) -> Path:
    """A new, empty, private directory. Raises BadName, or NameTaken when a run left one of that name."""
    path = where.staged(name)
    make_directory(path, fresh=True)
    return path


def discard(where: Layout, name: str) -> None:
    """Remove what was staged under this name, if anything."""
    remove_directory(where.staged(name))


def inspect(where: Layout, staged: Path) -> dict[str, FileRecord]:
    """Digest and size of each adapter file in `staged`, all of them sound.

    Raises NotPublishable when one is missing, malformed, or does not belong to a revision.
    """
    if staged.is_symlink() or not staged.is_dir() or staged.parent.resolve() != where.staging.resolve():
        raise NotPublishable(staged, "not a directory made by stage()")
    sweep(staged)
    found = {entry.name: entry for entry in os.scandir(staged)}
    found.pop(layout.MANIFEST, None)  # of a publish that a crash cut short; it is written again
    strangers = sorted(set(found) - layout.ADAPTER_FILES)
    if strangers:
        raise NotPublishable(staged, f"holds {', '.join(strangers)}, which no revision holds")
    missing = sorted(layout.REQUIRED_FILES - set(found))
    if missing:
        raise NotPublishable(staged, f"lacks {', '.join(missing)}")
    for entry in found.values():
        if not entry.is_file(follow_symlinks=False) or entry.stat().st_size == 0:
            raise NotPublishable(Path(entry.path), "empty, or not a plain file")
    _check_config(staged / layout.CONFIG)
    safetensors.read_header(staged / layout.WEIGHTS)
    if layout.GGUF in found:
        gguf.check_adapter(staged / layout.GGUF)
    return {
        name: FileRecord(digest=digest_file(staged / name), size=(staged / name).stat().st_size)
        for name in sorted(found)
    }


def _check_config(path: Path) -> None:
    try:
        config = parse(path.read_bytes())
    except ValueError as error:
        raise NotPublishable(path, f"not valid JSON ({error})") from None
    if not isinstance(config, dict):
        raise NotPublishable(path, "not a JSON object")
