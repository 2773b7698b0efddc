"""Every probe of this system, read together into what a decision rests on."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from persona.schedule.circumstances import Machine, Missing, Presence
from persona.schedule.probes.desktop import GnomeIdle, MacIdle, WindowsIdle, X11Idle
from persona.schedule.probes.logind import LogindIdle
from persona.schedule.probes.machine import FreeDisk, FreeMemory, Load, PsutilPower, UPower
from persona.schedule.probes.port import Probe, Reading
from persona.schedule.probes.traffic import OwnTraffic

T = TypeVar("T")
_ALL_AGAIN = 15.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The probes of each quantity. Of idle times the shortest counts; else the first that has a reading."""

    idle: Sequence[Probe[timedelta]]
    on_mains: Sequence[Probe[bool]]
    load: Sequence[Probe[float]]
    free_memory: Sequence[Probe[int]]
    free_disk: Sequence[Probe[int]]

    @classmethod
    def of_system(cls, place: Path, traffic: OwnTraffic | None, platform: str = sys.platform) -> Sources:
        """Those that this system may have; disk space is looked at where `place` lies. Without `traffic`
        nobody's requests are known: a look from outside the daemon."""
        own: list[Probe[timedelta]] = [traffic] if traffic else []
        return cls(
            idle=[*_desktop_idle(platform), *own],
            on_mains=[PsutilPower(), UPower()] if platform == "linux" else [PsutilPower()],
            load=[Load()],
            free_memory=[FreeMemory()],
            free_disk=[FreeDisk(place)],
        )


def _desktop_idle(platform: str) -> list[Probe[timedelta]]:
    if platform == "darwin":
        return [MacIdle()]
    if platform == "win32":
        return [WindowsIdle()]
    return [LogindIdle(uptime=time.monotonic), GnomeIdle(), X11Idle()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What one probe found, for `doctor`."""

    quantity: str
    probe: str
    found: Reading[object] | Missing


class Panel:
    """Reads all sources. May be read from several threads; each reading asks for itself."""

    def __init__(self, sources: Sources, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources, self._clock = sources, clock
        self._answering = sources.idle
        self._asked_all = -math.inf

    def read(self) -> Machine:
        s = self._sources
        return Machine(
            idle=self._idle_of_all(),
            on_mains=_first(s.on_mains),
            load=_first(s.load),
            free_memory=_first(s.free_memory),
            free_disk=_first(s.free_disk),
        )

    def glance(self) -> Presence:
        """Who is there now, cheaply enough for once a second: of the probes those that have readings, and all
        of them every quarter of a minute, since someone may log in where nobody was."""
        if self._clock() - self._asked_all >= _ALL_AGAIN:
            idle = self._idle_of_all()
        else:
            idle = _shortest([(probe, probe.read()) for probe in self._answering])
        return Presence(idle=idle, on_mains=_first(self._sources.on_mains))

    def _idle_of_all(self) -> timedelta | Missing:
        found = [(probe, probe.read()) for probe in self._sources.idle]
        self._answering = [probe for probe, each in found if isinstance(each, Reading)]
        self._asked_all = self._clock()
        return _shortest(found)

    def looks(self) -> list[Look]:
        """Every probe on its own, those without a reading too."""
        quantities: dict[str, Sequence[Probe[object]]] = {
            "idle": self._sources.idle,
            "power": self._sources.on_mains,
            "load": self._sources.load,
            "memory": self._sources.free_memory,
            "disk": self._sources.free_disk,
        }
        return [
            Look(quantity=quantity, probe=probe.name, found=probe.read())
            for quantity, probes in quantities.items()
            for probe in probes
        ]


def _first(probes: Sequence[Probe[T]]) -> T | Missing:
    reasons = []
    for probe in probes:
        found = probe.read()
        if isinstance(found, Reading):
            return found.value
        reasons.append(found.reason)
    return Missing(reason="; ".join(reasons) or "no probe for it on this system")


def _shortest(
    found: Sequence[tuple[Probe[timedelta], Reading[timedelta] | Missing]],
) -> timedelta | Missing:
    """Someone is there if anything says so."""
    known = [each.value for _, each in found if isinstance(each, Reading)]
    if known:
        return min(known)
    reasons = [f"{probe.name}: {each.reason}" for probe, each in found if isinstance(each, Missing)]
    return Missing(reason="; ".join(reasons) or "no probe for it on this system")
