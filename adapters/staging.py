"""Candidates in the making: private directories that a trainer fills and publish() takes away."""

from __future__ import annotations

from pathlib import Path

from adapters import gguf, layout, safetensors
from adapters.digest import digest_file, parse
from adapters.durable import make_new_directory, remove_directory, sweep
from adapters.errors import NotPublishable
from adapters.layout import Layout
from adapters.revision import FileRecord


def stage(where: Layout, name: str) -> Path:
    """A new, empty, private directory. Raises BadName, or NameTaken when a run left one of that name."""
    path = where.staged(name)
    make_new_directory(path)
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
    try:
        names = _check_names(staged)
        _check_config(staged / layout.CONFIG)
        safetensors.read_header(staged / layout.WEIGHTS)
        if layout.GGUF in names:
            gguf.check_adapter(staged / layout.GGUF)
        return {name: _record(staged / name) for name in names}
    except OSError as error:
        raise NotPublishable(staged, f"cannot be read: {error.strerror}") from error


def _check_names(staged: Path) -> list[str]:
    # A manifest is what a publish that a crash cut short had written; it will be written again.
    names = sorted(path.name for path in staged.iterdir() if path.name != layout.MANIFEST)
    strangers = [name for name in names if name not in layout.ADAPTER_FILES]
    if strangers:
        raise NotPublishable(staged, f"holds {', '.join(strangers)}, which no revision holds")
    missing = sorted(layout.REQUIRED_FILES.difference(names))
    if missing:
        raise NotPublishable(staged, f"lacks {', '.join(missing)}")
    for path in (staged / name for name in names):
        if path.is_symlink() or not path.is_file() or path.stat().st_size == 0:
            raise NotPublishable(path, "empty, or not a plain file")
    return names


def _record(path: Path) -> FileRecord:
    return FileRecord(digest=digest_file(path), size=path.stat().st_size)


def _check_config(path: Path) -> None:
    try:
        config = parse(path.read_bytes())
    except ValueError as error:
        raise NotPublishable(path, f"not valid JSON ({error})") from None
    if not isinstance(config, dict):
        raise NotPublishable(path, "not a JSON object")
