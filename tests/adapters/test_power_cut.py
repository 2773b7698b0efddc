"""The power goes: a loop-mounted ext4 drops everything that was not synced, again and again.

Needs root and loop devices. The shutdown call models a clean cut: it proves missing syncs, not torn sectors.
The writer that never syncs is the control: if it lost nothing, the test would prove nothing.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from registry_parts import publish

from adapters import ProblemKind, Registry

CUTS = 8
_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN
_NO_LOG_FLUSH = (2).to_bytes(4, "little")  # drop what is not committed to the journal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path("/dev/loop-control").exists() or shutil.which("mkfs.ext4") is None,
        reason="needs root, loop devices and mkfs.ext4",
    ),
]


@dataclass
class Outcome:
    """What one cut did: acknowledged publications, those lost, promotions lost, and damage found."""

    acknowledged: int
    lost: int
    promotions_lost: int
    damage: list[str]


@contextmanager
def _mounted(image: Path, folder: Path) -> Iterator[Path]:
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        yield folder
    finally:
        for _ in range(50):  # the killed writer may hold it for a moment
            if subprocess.run(["umount", folder], check=False, stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.1)


def _write_for_ever(folder: Path, acknowledge: int, *, syncs: bool) -> None:
    if not syncs:
        os.fsync = lambda _descriptor: None
    registry = Registry.open(folder / "adapters")
    for seed in range(1_000_000):
        revision = publish(registry, seed=seed)
        os.write(acknowledge, f"published {revision.id}\n".encode())
        registry.promote(revision.id, expected=registry.champion(), reason="newer")
        os.write(acknowledge, f"promoted {revision.id}\n".encode())


def _cut(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.ioctl(descriptor, _SHUTDOWN, _NO_LOG_FLUSH)
    os.close(descriptor)


def _cut_while_writing(tmp_path: Path, after: float, *, syncs: bool) -> Outcome:
    image, folder = tmp_path / "disk.img", tmp_path / "disk"
    folder.mkdir(exist_ok=True)
    with image.open("wb") as file:
        file.truncate(256 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with _mounted(image, folder):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _write_for_ever(folder, writing, syncs=syncs)
            finally:
                os._exit(1)
        os.close(writing)
        time.sleep(after)
        _cut(folder)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading) as pipe:
            acknowledged = [line.split() for line in pipe]
    with _mounted(image, folder):
        return _outcome(folder, acknowledged)


def _outcome(folder: Path, acknowledged: list[list[str]]) -> Outcome:
    published = {revision for what, revision in acknowledged if what == "published"}
    promoted = {revision for what, revision in acknowledged if what == "promoted"}
    if not (folder / "adapters" / "HEAD").exists():
        return Outcome(len(published), len(published), len(promoted), ["no registry"])
    registry = Registry.open(folder / "adapters", create=False)
    damage = [str(p) for p in registry.verify() if p.kind is not ProblemKind.LEFTOVER]
    there = {revision.id for revision in registry.survey().revisions}
    champions = {operation.revision for operation in registry.operations()} if not damage else set()
    return Outcome(len(published), len(published - there), len(promoted - champions), damage)


def test_what_was_acknowledged_survives_a_power_cut(tmp_path: Path) -> None:
    """After each cut every acknowledged revision and promotion is there, and nothing is damaged."""
    chance = random.Random(7)
    for _ in range(CUTS):
        outcome = _cut_while_writing(tmp_path, chance.uniform(0.5, 1.2), syncs=True)
        assert outcome.acknowledged > 0
        assert Outcome(outcome.acknowledged, 0, 0, []) == outcome


def test_the_same_cut_loses_what_a_writer_without_syncs_acknowledged(tmp_path: Path) -> None:
    """The control: without fsync the cut loses acknowledged revisions, so the test above can fail."""
    outcome = _cut_while_writing(tmp_path, 1.0, syncs=False)
    assert outcome.lost > 0
