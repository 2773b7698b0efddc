"""A terminal of tmux: keys go in as a keyboard sends them, and what stands on the screen is read back."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping

_LOOK = 0.1


class Tmux:
    """A server of its own, which knows nobody's configuration. Close it when done."""

    def __init__(self, *, size: tuple[int, int], environ: Mapping[str, str]) -> None:
        self._socket = f"persona-{os.getpid()}"
        self._environ = {**os.environ, **environ, "TERM": "xterm-256color"}
        self._environ.pop("TMUX", None)
        wide, high = map(str, size)
        self._run(
            "-f", "/dev/null", "new-session", "-d", "-x", wide, "-y", high, "env", "PS1=$ ", "bash", "--norc"
        )
        self._run("set-option", "-g", "escape-time", "10")

    def close(self) -> None:
        self._run("kill-server")

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Names as tmux has them: F2, C-o, Up, Escape."""
        for key in keys:
            self._run("send-keys", key)
            time.sleep(0.15)

    def enter(self, text: str) -> None:
        self.type(text)
        time.sleep(0.2)
        self.press("Enter")

    def resize(self, wide: int, high: int) -> None:
        self._run("resize-window", "-x", str(wide), "-y", str(high))

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def waits_for(
        self, *texts: str, gone: tuple[str, ...] = (), below: str = "", within: float = 60.0
    ) -> str:
        """The screen, once all of `texts` stand there and none of `gone`; only what stands below the last
        `below` counts, where that is on it. AssertionError with the screen."""
        deadline = time.monotonic() + within
        while True:
            screen = self.screen()
            there = screen.rpartition(below)[2] if below else screen
            missing = [text for text in texts if text not in there]
            left = [text for text in gone if text in there]
            if not missing and not left:
                return screen
            assert time.monotonic() < deadline, f"{missing or left} after {within:.0f} s:\n{screen}"
            time.sleep(_LOOK)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout
