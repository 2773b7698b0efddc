"""Every probe has a reading or says why not; what they read together is what a decision rests on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from persona.schedule.circumstances import Missing
from persona.schedule.probes import Panel, Probe, Reading, Sources
from persona.schedule.probes.desktop import GnomeIdle, MacIdle, WindowsIdle, X11Idle
from persona.schedule.probes.logind import LogindIdle
from persona.schedule.probes.machine import FreeDisk, FreeMemory, Load, PsutilPower, UPower
from persona.schedule.probes.port import ask_program
from persona.schedule.probes.traffic import OwnTraffic

UPTIME = 100_000.0


class Programs:
    """Programs that print what the script has for the words of their command."""

    def __init__(self, script: dict[str, str]) -> None:
        self._script = script
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> str | Missing:
        line = " ".join(command)
        self.asked.append(line)
        for words, answer in self._script.items():
            if words in line:
                return answer
        return Missing(reason=f"{command[0]} is not installed")


def session(hint: str, since: float, *, began: float = 1_000, kind: str = "user") -> str:
    return (
        f"Class={kind}\nType=wayland\nIdleHint={hint}\nIdleSinceHintMonotonic={int(since * 1e6)}\n"
        f"TimestampMonotonic={int(began * 1e6)}\n"
    )


def logind(*sessions: str) -> LogindIdle:
    names = " ".join(str(number) for number in range(len(sessions)))
    programs = Programs({"show-user 1000": f"{names}\n", "show-session": "\n".join(sessions)})
    return LogindIdle(uptime=lambda: UPTIME, ask=programs, user=1000)


@pytest.mark.parametrize(
    ("sessions", "seconds"),
    [
        ([session("yes", UPTIME - 600)], 600),
        ([session("no", UPTIME - 600)], 0),
        ([session("yes", UPTIME - 600), session("yes", UPTIME - 60)], 60),
        ([session("yes", UPTIME - 600), session("no", UPTIME - 5)], 0),
        ([session("yes", UPTIME - 600), session("no", 1, kind="greeter")], 600),
        ([session("yes", UPTIME - 600), session("no", 0)], 600),  # the second one tells logind nothing
        ([session("no", 0, began=UPTIME - 900)], 0),  # young: someone is typing since the login
    ],
)
def test_logind_knows(sessions: list[str], seconds: float) -> None:
    """The session that was used last counts; other users' and the login screen's do not."""
    assert Reading(timedelta(seconds=seconds)) == logind(*sessions).read()


@pytest.mark.parametrize(
    ("sessions", "why"),
    [
        ([], "nobody is logged in"),
        ([session("no", 0)], "no session here tells logind"),
        (["Class=user\nIdleHint=no\n"], "no session here tells logind"),
        ([session("yes", 5, kind="manager")], "no session here tells logind"),
    ],
)
def test_logind_does_not_know(sessions: list[str], why: str) -> None:
    """A hint that was never set in hours is no sign of someone."""
    found = logind(*sessions).read()

    assert isinstance(found, Missing)
    assert why in found.reason


@pytest.mark.parametrize(
    ("probe", "script", "expected"),
    [
        (GnomeIdle, {"Mutter.IdleMonitor GetIdletime": "t 61500\n"}, timedelta(seconds=61.5)),
        (lambda ask: X11Idle(ask, {"DISPLAY": ":0"}), {"xprintidle": "1500\n"}, timedelta(seconds=1.5)),
        (
            MacIdle,
            {"ioreg": '  | |   "HIDIdleTime" = 2500000000\n  "HIDIdleTime" = 9000000000\n'},
            timedelta(seconds=2.5),
        ),
        (UPower, {"UPower OnBattery": "b true\n"}, False),
        (UPower, {"UPower OnBattery": "b false\n"}, True),
    ],
)
def test_programs_that_answer(
    probe: Callable[[Any], Probe[Any]], script: dict[str, str], expected: object
) -> None:
    """In their own units."""
    assert Reading(expected) == probe(Programs(script)).read()


@pytest.mark.parametrize(
    ("probe", "script"),
    [
        (GnomeIdle, {"busctl": 's "no such method"\n'}),
        (lambda ask: X11Idle(ask, {"DISPLAY": ":0"}), {"xprintidle": "couldn't open display\n"}),
        (MacIdle, {"ioreg": "nothing\n"}),
        (UPower, {"busctl": "y 1\n"}),
    ],
)
def test_programs_that_say_something_else(probe: Callable[[Any], Probe[Any]], script: dict[str, str]) -> None:
    """It is no reading, and no error."""
    assert isinstance(probe(Programs(script)).read(), Missing)


@pytest.mark.parametrize("probe", [GnomeIdle, MacIdle, UPower, lambda ask: X11Idle(ask, {"DISPLAY": ":0"})])
def test_programs_that_are_not_there(probe: Callable[[Any], Probe[Any]]) -> None:
    """Missing, with the program's name."""
    found = probe(Programs({})).read()

    assert isinstance(found, Missing)
    assert "is not installed" in found.reason


@pytest.mark.parametrize(
    "environ",
    [{}, {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, {"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"}],
)
def test_x_is_not_asked_where_it_cannot_know(environ: dict[str, str]) -> None:
    """Under Wayland it would call someone idle who types."""
    programs = Programs({"xprintidle": "999999\n"})

    assert isinstance(X11Idle(programs, environ).read(), Missing)
    assert [] == programs.asked


@pytest.mark.skipif(sys.platform == "win32", reason="here it has a reading")
def test_windows_elsewhere() -> None:
    """Missing, not an error."""
    assert Missing(reason="not Windows") == WindowsIdle().read()


@pytest.mark.parametrize(
    ("plugged", "expected"), [(True, Reading(True)), (False, Reading(False)), ("none", Reading(True))]
)
def test_power(plugged: object, expected: Reading[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a battery is on mains."""
    battery = None if plugged == "none" else type("Battery", (), {"power_plugged": plugged})()
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)

    assert expected == PsutilPower().read()


@pytest.mark.parametrize("fails", ["undecided", "raises", "absent"])
def test_power_that_cannot_be_read(fails: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, never mains."""

    def raises() -> None:
        raise OSError("no such file")

    if fails == "absent":
        monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    else:
        undecided = type("Battery", (), {"power_plugged": None})()
        read = raises if fails == "raises" else lambda: undecided
        monkeypatch.setattr(psutil, "sensors_battery", read, raising=False)

    assert isinstance(PsutilPower().read(), Missing)


def test_this_machine(tmp_path: Path) -> None:
    """Load, memory and disk are read for real."""
    load, memory, disk = Load().read(), FreeMemory().read(), FreeDisk(tmp_path).read()

    assert isinstance(load, Reading)
    assert 0 <= load.value < 1000
    assert isinstance(memory, Reading)
    assert 0 < memory.value <= psutil.virtual_memory().total
    assert isinstance(disk, Reading)
    assert disk.value > 0
    assert isinstance(FreeDisk(tmp_path / "none").read(), Missing)


def test_own_traffic() -> None:
    """From the start, and again from each request."""
    now = [1_000.0]
    traffic = OwnTraffic(lambda: now[0])
    now[0] += 30
    assert Reading(timedelta(seconds=30)) == traffic.read()

    traffic.touch()
    now[0] += 5
    assert Reading(timedelta(seconds=5)) == traffic.read()


def test_an_answer_that_lasts_is_traffic() -> None:
    """Nobody is away while any answer is under way, however it ends; then the time counts from its end."""
    now = [1_000.0]
    traffic = OwnTraffic(lambda: now[0])
    seen = []

    def broken() -> None:
        with traffic.under_way():
            with traffic.under_way():
                now[0] += 300
                seen.append(traffic.read())
            now[0] += 300
            seen.append(traffic.read())
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    seen.append(traffic.read())
    now[0] += 7
    seen.append(traffic.read())

    assert [Reading(timedelta(seconds=idle)) for idle in (0, 0, 0, 7)] == seen


class Fixed:
    """The fake beside the port."""

    def __init__(self, found: object, name: str = "fixed") -> None:
        self.name, self._found = name, found

    def read(self) -> Any:
        return self._found if isinstance(self._found, Missing) else Reading(self._found)


def panel(**changed: list[Any]) -> Panel:
    given: dict[str, list[Any]] = {
        "idle": [Fixed(timedelta(minutes=1))],
        "on_mains": [Fixed(True)],
        "load": [Fixed(0.1)],
        "free_memory": [Fixed(1)],
        "free_disk": [Fixed(2)],
    }
    return Panel(Sources(**{**given, **changed}))


def test_someone_is_there_if_anything_says_so() -> None:
    """The shortest idle time counts."""
    probes = [Fixed(timedelta(hours=3)), Fixed(Missing(reason="no")), Fixed(timedelta(minutes=2))]

    assert timedelta(minutes=2) == panel(idle=probes).read().idle


def test_the_first_source_that_knows() -> None:
    """Of the other quantities."""
    assert False is panel(on_mains=[Fixed(Missing(reason="no")), Fixed(False), Fixed(True)]).read().on_mains


def test_all_sources_missing() -> None:
    """The reasons of all of them are kept."""
    probes = [Fixed(Missing(reason="no bus"), "logind"), Fixed(Missing(reason="no display"), "X")]
    machine = panel(idle=probes, on_mains=[]).read()

    assert Missing(reason="logind: no bus; X: no display") == machine.idle
    assert Missing(reason="no probe for it on this system") == machine.on_mains


class Counting(Fixed):
    """Counts how often it was asked; what it finds may change."""

    def __init__(self, found: object) -> None:
        super().__init__(found)
        self.asked = 0

    def read(self) -> Any:
        self.asked += 1
        return super().read()


def test_a_glance_asks_who_has_readings() -> None:
    """Once a second is often: those that know nothing are asked again after a while only, and someone who
    logs in where nobody was is seen then."""
    now = [0.0]
    here, absent = Counting(timedelta(minutes=2)), Counting(Missing(reason="nobody is logged in"))
    sources = panel(idle=[here, absent])._sources
    looking = Panel(sources, lambda: now[0])
    looking.read()
    for now[0] in (1.0, 2.0, 14.0):
        assert timedelta(minutes=2) == looking.glance().idle
    assert (4, 1) == (here.asked, absent.asked)

    absent._found = timedelta(seconds=3)
    now[0] = 15.0
    assert (timedelta(seconds=3), True) == (looking.glance().idle, looking.glance().on_mains)


def test_the_first_glance_asks_everybody() -> None:
    """Nothing was read before it."""
    idle = [Fixed(Missing(reason="no")), Fixed(timedelta(minutes=2))]
    assert timedelta(minutes=2) == panel(idle=idle).glance().idle


def test_every_probe_is_shown() -> None:
    """Those without a reading too."""
    looks = panel(idle=[Fixed(Missing(reason="no"), "logind"), Fixed(timedelta(0), "own")]).looks()

    assert [("idle", "logind"), ("idle", "own")] == [(look.quantity, look.probe) for look in looks[:2]]
    assert {"idle", "power", "load", "memory", "disk"} == {look.quantity for look in looks}


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "freebsd14"])
def test_no_system_breaks_the_panel(platform: str, tmp_path: Path) -> None:
    """Sources of any system can be read on any other: what is missing says so."""
    machine = Panel(Sources.of_system(tmp_path, OwnTraffic(), platform)).read()

    assert not isinstance(machine.idle, Missing)
    assert not isinstance(machine.free_disk, Missing)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/no/such/program"], "/no/such/program is not installed"),
        ([sys.executable, "-c", "import sys; sys.exit('went wrong')"], "went wrong"),
        ([sys.executable, "-c", "import sys; sys.exit(3)"], "exit code 3"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "timed out"),
        (["/"], "/: "),
    ],
)
def test_asking_a_program(command: list[str], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it does, the answer is a text or a reason, soon."""
    monkeypatch.setattr("persona.schedule.probes.port._PATIENCE", 2.0)
    found = ask_program(command)

    assert isinstance(found, Missing)
    assert why in found.reason


def test_a_program_that_answers() -> None:
    """What it printed."""
    assert ask_program([sys.executable, "-c", "print('t 5')"]) == "t 5\n"
