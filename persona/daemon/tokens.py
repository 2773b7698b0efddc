"""Who may talk to the daemon: the home's own token, and one for each client that has a name.

A token is 256 random bits and opens one identity. Both files are readable by their owner alone, as is all
that a token could open; they hold the tokens themselves, so that a client can be set up again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from adapters.durable import write_file
from persona.errors import BadInput, Damaged
from persona.lock import home_lock
from persona.paths import Home, checked_name

OWN = "persona"  # the name of what shows the home's own token: the command line and the terminal chat
_BYTES = 32
_LOCK = "tokens.lock"
_PATIENCE = 5.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """`name` is the source of what it says, `identity` whose desk it may use."""

    name: str
    identity: str
    token: str
    since: str

    def __repr__(self) -> str:
        return f"Client({self.name!r}, identity={self.identity!r})"  # a token has no place in a log


_FILE = TypeAdapter(list[Client])


class Tokens:
    """The clients of one home. Thread-safe; what another process changes is seen at the next look."""

    def __init__(self, home: Home, *, own_identity: str) -> None:
        self._home = home
        self._own_identity = own_identity
        self._seen: tuple[object, dict[bytes, Client]] = (None, {})

    def own(self) -> str:
        """The home's own token, made if there is none."""
        with home_lock(self._home.root, wait=_PATIENCE, name=_LOCK):
            if not self._home.token.exists():
                write_file(self._home.token, secrets.token_urlsafe(_BYTES).encode())
        return self._home.token.read_text().strip()

    def find(self, token: str) -> Client | None:
        """Whose token it is; None for nobody's. Takes the same time however much of it is right."""
        known = self._by_digest()
        shown = _digest(token)
        client = known.get(shown)  # by its hash: how long that takes says nothing about the token
        if client is None or not hmac.compare_digest(_digest(client.token), shown):
            return None
        return client

    def clients(self) -> list[Client]:
        """Those with a name, by name."""
        return sorted(_read(self._home.tokens), key=lambda client: client.name)

    def add(self, name: str, *, identity: str | None = None) -> Client:
        """A new client. BadInput for a name that is taken."""
        checked_name(name, "client")
        identity = checked_name(identity or self._own_identity, "identity")
        with home_lock(self._home.root, wait=_PATIENCE, name=_LOCK):
            clients = _read(self._home.tokens)
            if name == OWN or any(client.name == name for client in clients):
                raise BadInput(
                    f"client {name!r} has a token already: `persona token remove {name}` takes it back"
                )
            added = Client(
                name=name,
                identity=identity,
                token=secrets.token_urlsafe(_BYTES),
                since=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            _write(self._home.tokens, [*clients, added])
        return added

    def of(self, name: str) -> Client:
        """The client with this name, added if it is new."""
        for client in self.clients():
            if client.name == name:
                return client
        return self.add(name)

    def remove(self, name: str) -> Client:
        """Its token opens nothing from now on. BadInput for a name that is not known."""
        with home_lock(self._home.root, wait=_PATIENCE, name=_LOCK):
            clients = _read(self._home.tokens)
            for client in clients:
                if client.name == name:
                    _write(self._home.tokens, [other for other in clients if other is not client])
                    return client
        raise BadInput(f"no client {name!r}: `persona token list` shows who has one")

    def _by_digest(self) -> dict[bytes, Client]:
        stamp = (_stamp(self._home.token), _stamp(self._home.tokens))
        if self._seen[0] != stamp:
            clients = _read(self._home.tokens)
            if self._home.token.exists():
                own = self._home.token.read_text().strip()
                clients.append(Client(name=OWN, identity=self._own_identity, token=own, since=""))
            self._seen = (stamp, {_digest(client.token): client for client in clients if client.token})
        return self._seen[1]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _stamp(file: Path) -> object:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(file: Path) -> list[Client]:
    try:
        return _FILE.validate_json(file.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError as error:
        why = error.errors()[0]["msg"].lower()
        raise Damaged(
            file, f"not a list of clients: {why}", "mend it, or remove it and add the clients again"
        ) from None


def _write(file: Path, clients: list[Client]) -> None:
    write_file(file, json.dumps([asdict(client) for client in clients], indent=1).encode())
