"""Whether the daemon lives, and what the service manager hears of it."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from persona.daemon.place import Place
from persona.daemon.pulse import answers, told
from persona.service.notify import Notifier

PATIENCE = 20.0


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the library's name
        self.send_response(503)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def place() -> Iterator[Place]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Place(pid=1, host="127.0.0.1", port=server.server_address[1])
    server.shutdown()
    server.server_close()


def test_whether_the_daemon_answers(place: Place) -> None:
    """A refusal is an answer; nobody there is none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        silent = Place(pid=1, host="127.0.0.1", port=taken.getsockname()[1])

        assert answers(place)
        assert answers(Place(pid=1, host="0.0.0.0", port=place.port))
        assert not answers(silent)


def test_what_the_manager_is_told(place: Place, tmp_path: Path) -> None:
    """Ready with the address, alive while it answers, stopping at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "150000"}
        with told(place, Notifier(environ)):
            said = [manager.recv(4096).decode() for _ in range(3)]
        while (last := manager.recv(4096).decode()) == "WATCHDOG=1":
            pass

    assert f"READY=1\nSTATUS=answering at {place.url}" == said[0]
    assert ["WATCHDOG=1", "WATCHDOG=1"] == said[1:]
    assert "STOPPING=1" == last
