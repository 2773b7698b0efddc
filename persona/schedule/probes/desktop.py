"""Idle time as the desktop itself counts it: GNOME's monitor, X, macOS, Windows.

All but Windows are asked through their own programs: a display that goes away in the middle of a question
ends the process that asked, and that must not be the daemon.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Mapping
from datetime import timedelta

from persona.schedule.circumstances import Missing
from persona.schedule.probes.port import Ask, Reading, ask_program

_MUTTER = "org.gnome.Mutter.IdleMonitor"
_GNOME = (_MUTTER, "/org/gnome/Mutter/IdleMonitor/Core", _MUTTER, "GetIdletime")
_HID_IDLE = re.compile(r'"HIDIdleTime"\s*=\s*(\d+)')


class GnomeIdle:
    """Milliseconds since the last input, on X and Wayland alike."""

    name = "GNOME"

    def __init__(self, ask: Ask = ask_program) -> None:
        self._ask = ask

    def read(self) -> Reading[timedelta] | Missing:
        said = self._ask(["busctl", "--user", "--auto-start=no", "call", *_GNOME])
        if isinstance(said, Missing):
            return said
        kind, _, number = said.strip().partition(" ")
        if kind != "t" or not number.isdecimal():
            return Missing(reason=f"GNOME answered {said.strip()[:40]!r}")
        return Reading(timedelta(milliseconds=int(number)))


class X11Idle:
    """Milliseconds since the last input to an X server. Under Wayland X sees only part of what happens."""

    name = "X"

    def __init__(self, ask: Ask = ask_program, environ: Mapping[str, str] = os.environ) -> None:
        self._ask, self._environ = ask, environ

    def read(self) -> Reading[timedelta] | Missing:
        if not self._environ.get("DISPLAY"):
            return Missing(reason="no DISPLAY")
        if self._environ.get("WAYLAND_DISPLAY") or self._environ.get("XDG_SESSION_TYPE") == "wayland":
            return Missing(reason="Wayland: X sees only part of what happens")
        said = self._ask(["xprintidle"])
        if isinstance(said, Missing):
            return said
        if not said.strip().isdecimal():
            return Missing(reason=f"xprintidle answered {said.strip()[:40]!r}")
        return Reading(timedelta(milliseconds=int(said)))


class MacIdle:
    """Nanoseconds since the last input, from the I/O registry."""

    name = "HIDIdleTime"

    def __init__(self, ask: Ask = ask_program) -> None:
        self._ask = ask

    def read(self) -> Reading[timedelta] | Missing:
        said = self._ask(["ioreg", "-c", "IOHIDSystem", "-d", "4", "-r"])
        if isinstance(said, Missing):
            return said
        found = [int(number) for number in _HID_IDLE.findall(said)]
        if not found:
            return Missing(reason="ioreg does not name HIDIdleTime")
        return Reading(timedelta(microseconds=min(found) / 1000))


class WindowsIdle:
    """Milliseconds since the last input of this session, modulo 2**32 as Windows counts them."""

    name = "GetLastInputInfo"

    def read(self) -> Reading[timedelta] | Missing:
        windll = getattr(ctypes, "windll", None)
        if windll is None:
            return Missing(reason="not Windows")
        info = _LastInput(ctypes.sizeof(_LastInput), 0)
        if not windll.user32.GetLastInputInfo(ctypes.byref(info)):
            return Missing(reason="GetLastInputInfo failed")
        return Reading(timedelta(milliseconds=(windll.kernel32.GetTickCount() - info.at) % 2**32))


class _LastInput(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint), ("at", ctypes.c_uint))
