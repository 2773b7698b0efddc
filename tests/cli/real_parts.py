"""A home with the starter base, and adapters on it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cli_parts import Shell

from adapters import Build, Revision
from persona.base import Base


def settle(shell: Shell, base: Base) -> Shell:
    """The home of the shell, on this base, which is borrowed."""
    shell.root.mkdir(mode=0o700)
    (shell.root / "bases").symlink_to(base.path.parent)
    shell.persona().create()
    return shell


def publish(home: Shell, base: Base, folder: Path, gguf: Path | None) -> Revision:
    """The adapter in `folder` as a revision on `base`."""
    staged = home.registry().stage("run")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (staged / name).write_bytes((folder / name).read_bytes())
    if gguf is not None:
        (staged / "adapter.gguf").write_bytes(gguf.read_bytes())
    build = Build(
        identity="me",
        parent="r0",
        base=base.ref,
        snapshot="d-none",
        recipe={"quantisation": "none"},
        seed=1,
        versions={},
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    return home.registry().publish(staged, build)
