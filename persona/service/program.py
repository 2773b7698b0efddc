"""What a service starts: this installation's own persona, by absolute path."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """`version` is in every text, so that an upgrade is a change, and a change is a restart."""

    command: tuple[str, ...]
    home: Path
    version: str

    @classmethod
    def installed(cls, home: Path, version: str, executable: str = sys.executable) -> Program:
        """The `persona` beside this interpreter; where there is none, the interpreter with the package."""
        # Not resolved: the interpreter of a virtual environment is a link to one that knows nothing of it.
        python = Path(executable).absolute()
        script = python.with_name("persona")
        start = (str(script),) if script.is_file() else (str(python), "-m", "persona")
        return cls(command=(*start, "serve"), home=home.absolute(), version=version)

    @property
    def log(self) -> Path:
        """Where a system without a journal puts what the daemon prints."""
        return self.home / "logs" / "daemon.log"
