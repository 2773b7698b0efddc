"""What `doctor` says of versions, engine and device: each with what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Past, Shell

from persona import __version__
from persona.cli.checks import engine_check, sqlite_check
from persona.cli.device_checks import device_check
from persona.schedule.circumstances import Missing

NOT_THERE = Missing(reason="nvidia-smi is not installed")
BROKEN = Missing(reason="couldn't communicate with the NVIDIA driver")
CARD = "NVIDIA GeForce RTX 4090, 24564, 8.9\n"
OLD_CARD = "Tesla T4, 15360, 7.5\n"


def test_versions_engine_and_device_are_looked_at(shell: Shell, past: Past) -> None:
    """On this machine, as they are; nothing of it is a failure."""
    found = {check["name"]: check for check in shell.run("doctor", "--json").json["checks"]}
    assert __version__ == found["persona"]["what"]
    assert found["sqlite"]["what"].startswith(sqlite3.sqlite_version)
    assert ("ok", "llama.cpp can be loaded") == (found["engine"]["state"], found["engine"]["what"])
    assert "failure" != found["device"]["state"]
    assert all(word in found["device"]["what"] for word in ("CUDA", "NF4", "bf16"))


LIMITED = "Tesla T4, 15360 MiB, compute 7.5: CUDA yes, NF4 yes, bf16 no"
UNUSED = "unused: torch 2.13.0+cpu knows no CUDA"


@pytest.mark.parametrize(
    ("device", "said", "torch", "state", "what", "advice"),
    [
        ("auto", NOT_THERE, "2.13.0+cpu", "ok", "CUDA no, NF4 yes (smaller and slower), bf16 yes", ""),
        ("auto", CARD, "2.13.0", "ok", "RTX 4090, 24564 MiB, compute 8.9: CUDA yes, NF4 yes, bf16 yes", ""),
        ("auto", OLD_CARD, "2.13.0+cu130", "ok", LIMITED, ""),
        ("auto", CARD, "2.13.0+cpu", "warning", UNUSED, "torch build for your CUDA"),
        ("auto", BROKEN, "2.13.0", "warning", "couldn't communicate", "mend the card's driver"),
        ("cuda", NOT_THERE, "2.13.0", "failure", "CUDA no", 'set [train] device = "auto"'),
        ("cpu", CARD, "2.13.0", "ok", "CPU, ", ""),
        ("auto", "X, 1, [N/A]\n", "2.13.0", "ok", "X: CUDA yes, NF4 yes, bf16 not known", ""),
    ],
)
def test_the_device(
    device: str, said: Any, torch: str, state: str, what: str, advice: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What it is, what it allows, and what stands in the way of more."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    flags = tmp_path / "cpuinfo"
    flags.write_text("processor\t: 0\nflags\t\t: fpu avx512f amx_bf16\n")
    check = device_check(device, ask=lambda _: said, torch=lambda: torch, flags=flags)
    assert state == check.state
    assert what in check.what
    assert advice in check.advice
    assert bool(advice) is bool(check.advice)


@pytest.mark.parametrize("text", [None, "flags : fpu avx2\n", ""])
def test_a_processor_without_bf16(text: str | None, tmp_path: Path) -> None:
    """Or one that does not say: nights compute in float32 there."""
    flags = tmp_path / "cpuinfo"
    if text is not None:
        flags.write_text(text)
    check = device_check("auto", ask=lambda _: NOT_THERE, torch=lambda: "2.13.0+cpu", flags=flags)
    assert "bf16 no (float32 instead)" in check.what


@pytest.mark.parametrize(
    ("version", "state", "what"),
    [
        ((3, 37, 2), "failure", "3.37.2; the store needs 3.38.0"),
        ((3, 40, 1), "ok", "3.40.1, journal mode delete"),
        ((3, 51, 3), "ok", "3.51.3, journal mode wal"),
    ],
)
def test_sqlite(version: tuple[int, ...], state: str, what: str) -> None:
    """Too old is a failure with advice; else how the store journals with it."""
    check = sqlite_check(version)
    assert (state, what) == (check.state, check.what)
    assert bool(check.advice) is (state == "failure")


def test_an_engine_that_cannot_be_loaded() -> None:
    """Why, and what answers instead."""
    check = engine_check("no_such_engine")
    assert "failure" == check.state
    assert "No module named 'no_such_engine'" in check.what
    assert 'engine = "transformers"' in check.advice
