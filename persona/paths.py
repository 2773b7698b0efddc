"""Where everything lives in a home, and folders that nobody else can read.

Importing and asking for a path touch no disk; only `make_private` creates, and what it creates is 0700.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from adapters.durable import make_directory
from adapters.errors import RegistryError
from persona.errors import BadInput

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityPaths:
    """What belongs to one identity and to no other."""

    folder: Path
    store: Path
    adapters: Path
    schedule: Path
    notes: Path  # what the chat alone remembers


@dataclass(frozen=True, slots=True)
class Home:
    """One PERSONA_HOME. Names that become folder names are checked here, so no path leaves `root`."""

    root: Path

    @classmethod
    def default(cls) -> Home:
        """$PERSONA_HOME, or the folder that this system keeps a user's data in."""
        given = os.environ.get("PERSONA_HOME")
        root = Path(given).expanduser() if given else platformdirs.user_data_path("persona", appauthor=False)
        return cls(root.absolute())

    @property
    def bases(self) -> Path:
        return self.root / "bases"

    @property
    def identities(self) -> Path:
        return self.root / "identities"

    @property
    def runs(self) -> Path:
        """Job files and logs of the children, one folder a run."""
        return self.root / "runs"

    @property
    def token(self) -> Path:
        """The secret that clients of the server show."""
        return self.root / "token"

    @property
    def tokens(self) -> Path:
        """The secrets of clients that have a name of their own; see persona.daemon.tokens."""
        return self.root / "tokens.json"

    @property
    def daemon(self) -> Path:
        """Where the running daemon says how it is reached."""
        return self.root / "daemon.json"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    @property
    def lock(self) -> Path:
        """Locked by persona.lock while a process works in this home; its content means nothing."""
        return self.root / "lock"

    def base(self, name: str) -> Path:
        return self.bases / checked_name(name, "base")

    def identity(self, name: str) -> IdentityPaths:
        folder = self.identities / checked_name(name, "identity")
        return IdentityPaths(
            folder=folder,
            store=folder / "store.db",
            adapters=folder / "adapters",
            schedule=folder / "schedule.json",
            notes=folder / "chat.db",
        )


def checked_name(name: str, of: str) -> str:
    """`name` if it may become a folder name; BadInput otherwise."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{of} name {name!r}: use up to 64 of a-z, 0-9, - and _, beginning with a letter or a digit"
        )
    return name


def make_private(folder: Path) -> Path:
    """`folder`, existing and 0700 whatever the umask; parents that are missing are created the same way.

    Parents that exist keep their mode: they may be the user's home.
    """
    try:
        make_directory(folder)
        folder.chmod(0o700)
    except (RegistryError, OSError) as error:
        raise BadInput(f"{folder}: this folder cannot be made: {error}") from None
    return folder
