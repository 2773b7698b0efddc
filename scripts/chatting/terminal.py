"""A terminal of a fixed size: what runs in it thinks that somebody looks, and all that it writes is kept."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from pathlib import Path

_LOOK = 0.02
_LAST = 5.0  # seconds for what a process wrote at its end
_TOLD = 1500  # letters that are told when something did not show
_LONGEST = 40  # letters of a sequence
_SEQUENCE = re.compile(r"\x1b\[[0-9;?>$]*[A-Za-z]")


class Terminal:
    """Close it when done; that ends what runs in it."""

    def __init__(
        self, command: Sequence[str], *, size: tuple[int, int], environ: Mapping[str, str] | None = None
    ) -> None:
        self.size = size
        self._written = bytearray()
        self._guard = threading.Lock()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        given = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environ or {})}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "SSH_CONNECTION"):
            given.pop(name, None)
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=given, start_new_session=True
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def type(self, text: str) -> None:
        """Keys, as they come from a keyboard."""
        os.write(self._ours, text.encode())

    def mark(self) -> int:
        """How much was written until now."""
        with self._guard:
            return len(self._written)

    def written(self, since: int = 0) -> bytes:
        with self._guard:
            return bytes(self._written[since:])

    def shows(self, text: str, *, since: int = 0, within: float = 60.0) -> float:
        """When `text` was written, by time.perf_counter; TimeoutError when it was not in time.

        Colours and moves of the cursor may stand between its letters.
        """
        deadline = time.monotonic() + within
        letters, said, held = getincrementaldecoder("utf-8")("replace"), "", ""
        while True:
            over = time.monotonic() >= deadline or self._has_ended()
            new = self.written(since)  # each byte once: what looks for it takes time from what draws
            since += len(new)
            whole, held = _whole(held + letters.decode(new))
            said = said[-max(_TOLD, len(text)) :] + _SEQUENCE.sub("", whole)
            if text in said:
                return time.perf_counter()
            if over:
                raise TimeoutError(f"{text!r} did not show; {said[-_TOLD:]}")
            time.sleep(_LOOK)

    def said(self, since: int = 0) -> str:
        """What was written, without colours and moves of the cursor."""
        return _SEQUENCE.sub("", self.written(since).decode("utf-8", "replace"))

    def _has_ended(self) -> bool:
        """And all that it wrote is here."""
        if self._process.poll() is None:
            return False
        self._reader.join(_LAST)
        return True

    def cpu_seconds(self) -> float:
        """What the process has used until now, of all its threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        os.close(self._ours)

    def _read(self) -> None:
        while True:
            try:
                got = os.read(self._ours, 65536)
            except OSError:
                return
            if not got:
                return
            with self._guard:
                self._written += got


def _whole(text: str) -> tuple[str, str]:
    """`text`, and the beginning of a sequence at its end."""
    last = text.rfind("\x1b")
    if last < 0 or len(text) - last > _LONGEST or _SEQUENCE.match(text, last) or "\x07" in text[last:]:
        return text, ""
    return text[:last], text[last:]
