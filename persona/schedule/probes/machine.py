"""Power, load, memory and disk, as psutil reads them on every system."""

from __future__ import annotations

from pathlib import Path

import psutil

from persona.schedule.circumstances import Missing
from persona.schedule.probes.port import Ask, Reading, ask_program

_UPOWER = ("org.freedesktop.UPower", "/org/freedesktop/UPower", "org.freedesktop.UPower", "OnBattery")


class PsutilPower:
    """Whether the machine is on mains. One without a battery always is."""

    name = "psutil"

    def read(self) -> Reading[bool] | Missing:
        sensors = getattr(psutil, "sensors_battery", None)
        if sensors is None:
            return Missing(reason="psutil reads no battery on this system")
        try:
            battery = sensors()
        except (OSError, RuntimeError, ValueError) as error:
            return Missing(reason=f"psutil: {error}")
        if battery is None:
            return Reading(True)
        if battery.power_plugged is None:
            return Missing(reason="the battery does not say whether it is charged from mains")
        return Reading(bool(battery.power_plugged))


class UPower:
    """The same from the desktop's power service."""

    name = "UPower"

    def __init__(self, ask: Ask = ask_program) -> None:
        self._ask = ask

    def read(self) -> Reading[bool] | Missing:
        said = self._ask(["busctl", "--system", "--auto-start=no", "get-property", *_UPOWER])
        if isinstance(said, Missing):
            return said
        answers = {"b true": Reading(False), "b false": Reading(True)}
        return answers.get(said.strip(), Missing(reason=f"UPower answered {said.strip()[:40]!r}"))


class Load:
    """The share of all processors in use, averaged over five minutes."""

    name = "load"

    def read(self) -> Reading[float] | Missing:
        try:
            return Reading(psutil.getloadavg()[1] / (psutil.cpu_count() or 1))
        except OSError as error:
            return Missing(reason=f"psutil: {error}")


class FreeMemory:
    """Bytes that a new process can have without swapping."""

    name = "memory"

    def read(self) -> Reading[int] | Missing:
        try:
            return Reading(int(psutil.virtual_memory().available))
        except (OSError, RuntimeError) as error:
            return Missing(reason=f"psutil: {error}")


class FreeDisk:
    """Bytes that are free where the home lies."""

    name = "disk"

    def __init__(self, place: Path) -> None:
        self._place = place

    def read(self) -> Reading[int] | Missing:
        try:
            return Reading(int(psutil.disk_usage(str(self._place)).free))
        except OSError as error:
            return Missing(reason=f"{self._place}: {error.strerror}")
