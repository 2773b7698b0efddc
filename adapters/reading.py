"""Reads of things that must be there: a failing disk or a missing file is Damaged, never something empty."""

from __future__ import annotations

from pathlib import Path

from adapters.digest import digest_file
from adapters.errors import Damaged


def content(path: Path) -> bytes:
    """The whole content of a file. Raises Damaged."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise _damaged(path, error) from error


def content_digest(path: Path) -> str:
    """The digest of a file's content. Raises Damaged."""
    try:
        return digest_file(path)
    except OSError as error:
        raise _damaged(path, error) from error


def entries(directory: Path) -> list[Path]:
    """What lies in a directory, by name. Raises Damaged."""
    try:
        return sorted(directory.iterdir())
    except OSError as error:
        raise _damaged(directory, error) from error


def _damaged(path: Path, error: OSError) -> Damaged:
    if isinstance(error, FileNotFoundError):
        return Damaged(path, "missing")
    return Damaged(path, f"cannot be read: {error.strerror or error}")
