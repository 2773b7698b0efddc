"""The home lock keeps two writers apart and needs no cleaning up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from persona.errors import Busy
from persona.lock import home_lock

HOLDER = """
import sys, time
from pathlib import Path
from persona.lock import home_lock
with home_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold_elsewhere(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "held\n" == process.stdout.readline()
    return process


def test_another_process_is_busy_and_death_frees(tmp_path: Path) -> None:
    """While one process holds the home another gets Busy; kill -9 of the holder frees it at once."""
    with hold_elsewhere(tmp_path) as holder:
        with pytest.raises(Busy) as caught, home_lock(tmp_path):
            pass
        assert 75 == caught.value.exit_code
        holder.send_signal(signal.SIGKILL)
        holder.wait()

    with home_lock(tmp_path):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_one_process_excludes_itself(tmp_path: Path) -> None:
    """A second holder in the same process is refused too."""
    with home_lock(tmp_path), pytest.raises(Busy), home_lock(tmp_path):
        pass


def test_waiting_takes_over(tmp_path: Path) -> None:
    """A holder that leaves in time is waited for."""
    leave, held = threading.Event(), threading.Event()

    def hold() -> None:
        with home_lock(tmp_path):
            held.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    threading.Timer(0.2, leave.set).start()
    began = time.monotonic()
    with home_lock(tmp_path, wait=10):
        assert 0.1 < time.monotonic() - began < 9
    holder.join()


def test_waiting_ends(tmp_path: Path) -> None:
    """Waiting in vain ends with Busy after the time that was given."""
    with home_lock(tmp_path):
        began = time.monotonic()
        with pytest.raises(Busy), home_lock(tmp_path, wait=0.2):
            pass
        assert 0.2 <= time.monotonic() - began < 5


def test_an_error_inside_frees(tmp_path: Path) -> None:
    """The lock is free after an exception in the body."""
    with pytest.raises(ZeroDivisionError), home_lock(tmp_path):
        _ = 1 / 0
    with home_lock(tmp_path):
        pass


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    """A link planted as the lock file is refused instead of opened."""
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), home_lock(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_children_do_not_keep_it(tmp_path: Path) -> None:
    """A process started while the lock is held does not hold it after us."""
    with home_lock(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    try:
        with home_lock(tmp_path, wait=5):  # the kernel lets us go on a moment before it closes the copy
            pass
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
