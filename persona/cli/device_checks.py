"""What `doctor` says of the device that trains: what it is, and whether it allows CUDA, bf16 and NF4.

torch is not loaded for it: its build says whether it knows CUDA, the driver's own tool what the card can do,
and the processor's flags whether it multiplies bf16.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from persona.cli.check import Check, State
from persona.schedule.circumstances import Missing
from persona.schedule.probes.port import Ask, ask_program

_QUERY = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
_BF16_FROM = 8.0  # compute capability
_BF16_FLAGS = ("avx512_bf16", "amx_bf16")
_FLAGS = Path("/proc/cpuinfo")


def _torch() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""  # a check of its own says so


def device_check(
    device: str, *, ask: Ask = ask_program, torch: Callable[[], str] = _torch, flags: Path = _FLAGS
) -> Check:
    """`device` as [train] device has it."""
    said = ask(_QUERY)
    cards = [] if isinstance(said, Missing) else [line for line in said.splitlines() if line.count(",") == 2]
    knows_cuda = bool(torch()) and not torch().endswith("+cpu")
    if not cards or device == "cpu":
        broken = isinstance(said, Missing) and "not installed" not in said.reason
        state = State.FAILURE if device.startswith("cuda") else State.WARNING if broken else State.OK
        why = f"; nvidia-smi: {said.reason}" if isinstance(said, Missing) and broken else ""
        advice = {
            State.FAILURE: 'there is no NVIDIA card: set [train] device = "auto"',
            State.WARNING: "mend the card's driver, if nights are to use it",
        }.get(state, "")
        return Check(name="device", state=state, what=f"{_processor(flags)}{why}", advice=advice)
    what = "; ".join(_card(line) for line in cards)
    if not knows_cuda:
        return Check(
            name="device",
            state=State.WARNING,
            what=f"{what}, unused: torch {torch()} knows no CUDA; {_processor(flags)}",
            advice="install the torch build for your CUDA (README, With a GPU), and nights use the card",
        )
    return Check(name="device", state=State.OK, what=what)


def _card(line: str) -> str:
    name, memory, capability = (part.strip() for part in line.split(","))
    try:
        bf16 = float(capability) >= _BF16_FROM
    except ValueError:
        return f"{name}: CUDA yes, NF4 yes, bf16 not known"
    return f"{name}, {memory} MiB, compute {capability}: CUDA yes, NF4 yes, bf16 {'yes' if bf16 else 'no'}"


def _processor(flags: Path) -> str:
    count = psutil.cpu_count() or 1
    bf16 = "yes" if _multiplies_bf16(flags) else "no (float32 instead)"
    nf4 = "no" if platform.system() == "Darwin" else "yes (smaller and slower)"
    return f"CPU, {count} processors: CUDA no, NF4 {nf4}, bf16 {bf16}"


def _multiplies_bf16(flags: Path) -> bool:
    try:
        text = flags.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return any(flag in line.split() for flag in _BF16_FLAGS)
