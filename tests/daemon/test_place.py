"""One daemon a home, and how others find it."""

from __future__ import annotations

import os
import threading
import time

import pytest

from persona.daemon.place import Place, find_daemon, only_daemon, tell_place
from persona.errors import DaemonRuns
from persona.lock import home_lock
from persona.paths import Home


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def test_found_while_it_runs(home) -> None:
    """The file says how the daemon is reached for as long as it holds the home, and is private."""
    before = find_daemon(home)
    with only_daemon(home):
        not_ready = find_daemon(home)
        told = tell_place(home, host="127.0.0.1", port=7437)
        found = find_daemon(home)
        mode = home.daemon.stat().st_mode & 0o777

    assert (None, None) == (before, not_ready)
    assert told == found
    assert (os.getpid(), "http://127.0.0.1:7437") == (found.pid, found.url)
    assert 0o600 == mode
    assert find_daemon(home) is None
    assert not home.daemon.exists()


def test_a_second_one_is_refused_and_told_where(home) -> None:
    """There is one daemon a home; the second says where the first one is, and how it ends."""
    said = rf"\(pid {os.getpid()}\).* http://\[::1\]:7437: `kill {os.getpid()}`"
    with only_daemon(home):
        tell_place(home, host="::1", port=7437)
        with pytest.raises(DaemonRuns, match=said), only_daemon(home):
            pass
        assert find_daemon(home) is not None


def test_what_a_killed_daemon_left_means_nothing(home) -> None:
    """The file of a daemon that is gone is not believed, and does not keep a new one out."""
    tell_place(home, host="127.0.0.1", port=1)

    assert find_daemon(home) is None
    with only_daemon(home):
        assert find_daemon(home) is None


def test_a_moment_s_look_keeps_no_daemon_out(home) -> None:
    """Whoever looks tries the lock; a daemon that starts waits that long, and a second look sees none."""
    tell_place(home, host="127.0.0.1", port=1)  # of one that is gone
    looked, found = threading.Event(), []

    def look() -> None:
        with home_lock(home.root, name="daemon.lock", shared=True):
            found.append(find_daemon(home))
            looked.set()
            time.sleep(0.2)

    looking = threading.Thread(target=look)
    looking.start()
    looked.wait(5)
    with only_daemon(home):
        pass
    looking.join()
    assert [None] == found


def test_no_home_no_daemon(tmp_path) -> None:
    """Looking for a daemon makes nothing."""
    assert find_daemon(Home(tmp_path / "none")) is None
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7437"),
        ("::1", "http://[::1]:7437"),
        ("0.0.0.0", "http://127.0.0.1:7437"),
        ("::", "http://[::1]:7437"),
    ],
)
def test_the_address_is_one_that_this_machine_can_call(host: str, url: str) -> None:
    """Also when the daemon listens on every address."""
    assert url == Place(pid=1, host=host, port=7437).url
