"""What another process wants of the daemon that runs: a night, since it knows who waits for an answer
meanwhile, and what it has loaded.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from persona.bootstrap import OnProgress, Persona
from persona.daemon.place import Place, find_daemon
from persona.errors import Busy, DaemonLate, PersonaError

if TYPE_CHECKING:
    from persona.nightly import NightResult

_LOOK = 1.0  # seconds between two questions
_PATIENCE = 60.0

Json = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class DaemonNights:
    """The nights of one identity in a daemon elsewhere."""

    place: Place
    token: str = field(repr=False)
    patience: float = _PATIENCE

    @classmethod
    def of(cls, persona: Persona, *, patience: float = _PATIENCE) -> DaemonNights | None:
        """None where no daemon runs nights for this identity. `patience`: seconds that an answer may take."""
        place = find_daemon(persona.home)
        if place is None:
            return None
        found = cls(place=place, token=persona.home.token.read_text().strip(), patience=patience)
        return found if found._look()["identity"] == persona.identity else None

    def run(
        self, persona: Persona, on_progress: OnProgress, *, pause: Callable[[float], None] = time.sleep
    ) -> NightResult:
        """One night, begun now; back at its end. NightRuns' code while another one goes on, and what it fails
        with."""
        from persona.nightly import NightResult
        from persona.report import EvalReport

        self._ask("POST", "/persona/train")
        while (night := self._look()["daemon"]["night"])["running"]:
            if night["step"]:
                on_progress({name: night[name] for name in ("stage", "step", "done", "total")})
            pause(_LOOK)
        last = night["last"]
        if last["state"] != "ended":
            raise _failed(last["why"], last["exit_code"])
        run = persona.store.runs.get(last["run"])
        return NightResult(
            run=run.id,
            outcome=run.state,
            reasons=tuple(run.reasons),
            revision=last["revision"],
            report=None if run.report is None else EvalReport.from_json(run.report),
            costs=run.costs,
        )

    def loaded(self, persona: Persona) -> list[str]:
        """The ids of the revisions that it has loaded now."""
        engines = self._look()["daemon"]["engines"]
        return [persona.resolve(ref_of(engine["model"])).id for engine in engines]

    def capture(self) -> Mapping[str, Any]:
        """What was kept and lost since its start, and what passed by unread: see `capture.writer`."""
        found: Mapping[str, Any] = self._look()["daemon"]["capture"]
        return found

    def _look(self) -> Json:
        return self._ask("GET", "/persona/status")

    def _ask(self, method: str, path: str) -> Json:
        to = http.client.HTTPConnection(self.place.reached, self.place.port, timeout=self.patience)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            to.request(method, path, body="{}" if method == "POST" else None, headers=headers)
            response = to.getresponse()
            said = json.loads(response.read())
        except TimeoutError:
            raise DaemonLate(self.place.url, self.patience) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PersonaError(f"the daemon at {self.place.url} does not answer: {error}") from None
        finally:
            to.close()
        if response.status != HTTPStatus.OK:
            busy = response.status == HTTPStatus.CONFLICT
            raise _failed(_message(said), Busy.exit_code if busy else PersonaError.exit_code)
        return said


def ref_of(model: str) -> str:
    """What `persona:base` and `persona:r7` are called here."""
    ref = model.rpartition(":")[2]
    return "r0" if ref == "base" else ref


def _failed(why: str, exit_code: int) -> PersonaError:
    error = PersonaError(why)
    error.exit_code = exit_code
    return error


def _message(said: Json) -> str:
    error = said.get("error") if isinstance(said, Mapping) else None
    return str(error.get("message", said)) if isinstance(error, Mapping) else str(said)
