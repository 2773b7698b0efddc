"""What persona asks of a desktop: a note, and to stay awake."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import psutil
import pytest

from persona.schedule.awake import Asleep, Holder, wakefulness
from persona.schedule.circumstances import Missing
from persona.schedule.note import DesktopNote, NoNote, desktop_note

HOSTILE = """-r7 'quoted' "twice" $(touch /tmp/x) `id` <b>&amp;</b>'); Remove-Item *"""


class Desktop:
    def __init__(self, answer: str | Missing = "") -> None:
        self.answer = answer
        self.commands: list[list[str]] = []

    def __call__(self, command: object) -> str | Missing:
        self.commands.append(list(command))  # type: ignore[call-overload]
        return self.answer


def shown(platform: str) -> list[str]:
    desktop = Desktop()
    assert DesktopNote(platform, desktop).show(HOSTILE) is None
    return desktop.commands[0]


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_note_is_an_argument(platform: str) -> None:
    """Never a piece of a script or an option."""
    command = shown(platform)

    assert HOSTILE == command[-1]
    assert not any(HOSTILE in word for word in command[:-1])
    if platform == "linux":
        assert "--" == command[-3]


def test_a_note_on_windows() -> None:
    """The text is escaped into XML, and the XML into the script."""
    script = base64.b64decode(shown("win32")[-1]).decode("utf-16-le")
    quoted = script.split("LoadXml('")[1].split("')\n")[0]
    toast = ET.fromstring(quoted.replace("''", "'"))

    assert ["persona", HOSTILE] == [text.text for text in toast.iter("text")]


def test_a_desktop_that_shows_nothing() -> None:
    """The reason comes back."""
    nowhere = Missing(reason="notify-send is not installed")

    assert nowhere == DesktopNote("linux", Desktop(nowhere)).show("x")
    assert NoNote().show("x") is None
    assert isinstance(desktop_note("plan9"), NoNote)


@pytest.fixture
def holder(tmp_path: Path) -> Holder:
    """Something that runs until its input closes, as the real ones do."""
    return Holder([sys.executable, "-c", "import sys; sys.stdin.read()"])


def children() -> int:
    return sum(child.status() != psutil.STATUS_ZOMBIE for child in psutil.Process().children())


def test_holding_and_letting_go(holder: Holder) -> None:
    """One program however often it is held, none afterwards."""
    before = children()
    holder.hold()
    holder.hold()
    assert before + 1 == children()

    holder.let_go()
    holder.let_go()
    assert before == children()


def test_a_holder_that_ended_is_begun_again(holder: Holder) -> None:
    """Somebody may have ended it."""
    holder.hold()
    assert holder._running is not None
    first = holder._running.pid
    holder._running.kill()
    holder._running.wait()
    holder.hold()

    assert first != holder._running.pid
    holder.let_go()


def test_nothing_to_hold_with(caplog: pytest.LogCaptureFixture) -> None:
    """The machine may sleep, and that is said."""
    missing = Holder(["/no/such/program"])
    missing.hold()
    missing.let_go()

    assert "the machine may fall asleep" in caplog.text


def test_it_ends_with_this_process(tmp_path: Path) -> None:
    """A daemon that is killed keeps nothing awake."""
    source = (
        "import sys, time\nfrom persona.schedule.awake import Holder\n"
        "holder = Holder(['cat'])\nholder.hold()\nprint(holder._running.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        held = psutil.Process(int(daemon.stdout.readline()))
        daemon.kill()
    deadline = time.monotonic() + 10
    while held.is_running() and held.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not held.is_running() or held.status() == psutil.STATUS_ZOMBIE


def test_what_this_system_has() -> None:
    """Its own program, or nothing; on macOS it watches our id."""
    assert isinstance(wakefulness("plan9"), Asleep)
    Asleep().hold()
    Asleep().let_go()
    found = wakefulness()
    if isinstance(found, Holder):
        assert found._command[0] in ("systemd-inhibit", "caffeinate")
