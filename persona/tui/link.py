"""The line to the daemon: found, started, followed, lost and found again.

What it sees goes to one listener as `Seen` values, in order; it never raises but for a defect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from persona.tui.clean import line
from persona.tui.daemon import Address, Daemon
from persona.tui.errors import Away, Crowded, Loading, NotLetIn, NotStarted, Trouble

_REST = (0.3, 0.6, 1.2, 2.5, 5.0)  # seconds between two looks for a daemon that is away

Find = Callable[[], Address | None]  # both may block
Start = Callable[[], Address]  # raises with one line


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """`state` is "starting", "loading", "ready", "swapping" or "away"; `says` is more about it.

    `champion` is the ref that answers; `night` says how far a night is, empty when none runs.
    `done` counts what happened that changed revisions or preferences: whoever shows them looks again.
    """

    state: str = "starting"
    says: str = ""
    champion: str = ""
    night: str = ""
    done: int = 0
    news: str = ""


class Link:
    """`find` says where a daemon is; `start` starts one, and None means that nobody may."""

    def __init__(self, find: Find, start: Start | None, tell: Callable[[Seen], None]) -> None:
        self._find = find
        self._start = start
        self._tell = tell
        self._seen = Seen()
        self._after: int | None = None
        self.daemon: Daemon | None = None

    @property
    def seen(self) -> Seen:
        return self._seen

    def the_daemon(self) -> Daemon:
        """The one to ask. Raises Away and Loading."""
        if self.daemon is None:
            raise Loading if self._seen.state in ("starting", "loading") else Away
        return self.daemon

    async def follow(self) -> None:
        """Until it is cancelled."""
        tries = 0
        while True:
            try:
                daemon = await self._reach()
                tries = 0
                await self._listen(daemon)
            except Trouble as trouble:
                self._lose(trouble)
            await asyncio.sleep(_REST[min(tries, len(_REST) - 1)])
            tries += 1

    async def close(self) -> None:
        if self.daemon is not None:
            await self.daemon.close()
            self.daemon = None

    async def _reach(self) -> Daemon:
        try:
            address = await asyncio.to_thread(self._find)
        except OSError as error:  # a home that is moved, or a token that is not there yet
            raise Away from error
        if address is None and self._start is not None:
            self._see(state="starting", says="starting the daemon")
            start, self._start = self._start, None  # once: a daemon that the user ends stays ended
            try:
                address = await asyncio.to_thread(start)
            except Exception as error:
                raise NotStarted(line(str(error), 300)) from error
        if address is None:
            raise Away
        if self.daemon is None:
            self.daemon = Daemon(address)
        elif self.daemon.address != address:
            self._after = None  # another daemon counts from 1 again
            await self.daemon.move(address)
        return self.daemon

    async def _listen(self, daemon: Daemon) -> None:
        async with aclosing(daemon.happenings(self._after)) as happenings:
            async for number, what in happenings:
                if number == 0:
                    await self._begin(daemon)
                else:
                    self._after = number
                    self._happen(what)

    async def _begin(self, daemon: Daemon) -> None:
        status = await daemon.look("status")
        serving = (status.get("daemon") or {}).get("serving") or {}
        night = (status.get("daemon") or {}).get("night") or {}
        failed = (status.get("daemon") or {}).get("not_loaded") or {}
        self._see(
            state="ready",
            says=f"{status['champion']['ref']} could not be loaded: {line(failed['why'])}" if failed else "",
            champion=ref_of(serving.get("model", "")) or status["champion"]["ref"],
            night="a night is running" if night.get("running") else "",
            done=self._seen.done + 1,
            news="",
        )

    def _happen(self, what: Mapping[str, Any]) -> None:
        done = self._seen.done + 1
        match what.get("kind"):
            case "champion":
                self._see(state="swapping", says=f"{ref_of(what.get('model', ''))} is taking over", done=done)
            case "serving":
                ref = ref_of(what.get("model", ""))
                news = f"{ref} answers from now on" if self._seen.champion != ref else ""
                self._see(state="ready", says="", champion=ref, done=done, news=news)
            case "not_loaded":
                self._see(state="ready", says=f"not loaded: {line(str(what.get('why', '')))}", done=done)
            case "night":
                self._night(what, done)

    def _night(self, what: Mapping[str, Any], done: int) -> None:
        match what.get("state"):
            case "started":
                self._see(night="a night begins")
            case "running":
                far = f", {what.get('done')} of {what['total']}" if what.get("total") else ""
                self._see(night=f"{line(str(what.get('step') or 'a night is running'), 60)}{far}")
            case "ended":
                outcome = str(what.get("outcome", "")).replace("_", " ")
                self._see(night="", done=done, news=f"the night ended: {outcome}")
            case _:
                self._see(night="", done=done, news=f"the night failed: {line(str(what.get('why', '')))}")

    def _lose(self, trouble: Trouble) -> None:
        if isinstance(trouble, Loading):
            self._see(state="loading", says="the model is loading")
            return
        if isinstance(trouble, Crowded):  # it answers; only its news cannot be followed now
            self._see(state="ready", says=str(trouble))
            return
        if isinstance(trouble, NotLetIn | NotStarted):
            self._see(state="away", says=str(trouble))
        elif self._seen.state != "away":  # else why it is away was said already
            self._see(state="away", says="looking for the daemon")

    def _see(self, **changes: Any) -> None:
        self._seen = replace(self._seen, **{"news": "", **changes})
        self._tell(self._seen)


def ref_of(model: str) -> str:
    """r7 for "persona:r7", base for "persona:base"; another server's model as it is."""
    return line(model.removeprefix("persona:"), 40)
