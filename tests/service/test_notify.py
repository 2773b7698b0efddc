"""What systemd is told, over real sockets."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from persona.service.notify import Heartbeat, Notifier

PATIENCE = 10.0


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A listening socket, and its name as $NOTIFY_SOCKET has it."""
    if request.param == "abstract":
        if sys.platform != "linux":
            pytest.skip("abstract sockets are Linux's")
        name = f"@persona-test-{os.getpid()}-{time.monotonic_ns()}"
        address = f"\0{name[1:]}"
    else:
        name = address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(PATIENCE)
        yield listener, name


def test_every_word(manager: tuple[socket.socket, str]) -> None:
    """One datagram each; a status is one line whatever it was."""
    listener, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready("answering\nMAINPID=1")
    notifier.alive()
    notifier.stopping()

    assert ["READY=1\nSTATUS=answering MAINPID=1", "WATCHDOG=1", "STOPPING=1"] == [
        listener.recv(4096).decode() for _ in range(3)
    ]


def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    """Without a manager nothing happens, and nothing is said."""
    notifier = Notifier({})
    notifier.ready("answering")
    notifier.stopping()

    assert notifier.watchdog_seconds is None
    assert "" == caplog.text


def test_a_manager_that_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the daemon goes on."""
    with caplog.at_level(logging.WARNING):
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("answering")
        Notifier({"NOTIFY_SOCKET": "vsock:2:1234"}).ready("answering")

    assert "was not told READY=1" in caplog.text
    assert "'vsock:2:1234'" in caplog.text


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_s_time(environ: dict[str, str], seconds: float | None) -> None:
    """Only when it is this process that is watched."""
    assert seconds == Notifier(environ, process=7).watchdog_seconds


def test_a_heart_that_beats(manager: tuple[socket.socket, str]) -> None:
    """Three times as often as asked for, while there is life; never after its end."""
    listener, name = manager
    life = [True]
    heartbeat = Heartbeat(Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000"}), lambda: life[0])
    heartbeat.start()
    assert ["WATCHDOG=1"] * 3 == [listener.recv(64).decode() for _ in range(3)]

    life[0] = False
    listener.settimeout(0.3)
    last = threading.Event()
    for _ in range(5):  # what was on its way
        try:
            listener.recv(64)
        except TimeoutError:
            last.set()
            break
    assert last.is_set()
    heartbeat.stop()
    heartbeat.stop()


def test_no_watchdog_no_heart() -> None:
    """Nothing is begun."""
    heartbeat = Heartbeat(Notifier({}))
    heartbeat.start()

    assert heartbeat._thread is None
    heartbeat.stop()


def test_a_process_that_was_started_by_a_manager(manager: tuple[socket.socket, str]) -> None:
    """The environment is what tells it."""
    listener, name = manager
    source = "from persona.service.notify import Notifier; Notifier().ready('here')"
    subprocess.run([sys.executable, "-c", source], env={**os.environ, "NOTIFY_SOCKET": name}, check=True)

    assert "READY=1\nSTATUS=here" == listener.recv(4096).decode()
