"""What is under way and can be stopped: an answer, received piece by piece and found again as it was kept, or
other work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from persona.thread import Answer, Said, said_of
from persona.tui.daemon import Daemon, End, Wanted
from persona.tui.errors import Trouble
from persona.tui.link import ref_of

_TOGETHER = 0.06  # seconds in which pieces gather: reading costs by the read, and takes from what writes
_LOOKS, _BETWEEN = 8, 0.1  # for a part that the daemon is about to keep; seconds

OnText = Callable[[str, str], Awaitable[None]]  # a piece of text, and who speaks
T = TypeVar("T")


class UnderWay(Protocol):
    """What Esc ends."""

    def stop(self) -> None: ...


class Work:
    """Something that is waited for: a tool, or a server that starts. Run it once."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False

    async def run(self, what: Coroutine[Any, Any, T]) -> T | None:
        """None when it was stopped."""
        self._task = task = asyncio.create_task(what)
        try:
            return await task
        except asyncio.CancelledError:
            if not self._stopped:
                task.cancel()  # whoever runs this is ended
                raise
            return None

    def stop(self) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()


@dataclass(eq=False)
class Speaking:
    """Run it once. `stop` ends it early, and what was said until then is its answer."""

    daemon: Daemon
    wanted: Wanted
    on_text: OnText
    said: list[str] = field(default_factory=list)
    trouble: Trouble | None = None
    _thoughts: list[str] = field(default_factory=list)
    _calls: list[Any] = field(default_factory=list)
    _model: str = ""
    _end: End | None = None
    _task: asyncio.Task[None] | None = None
    _stopped: bool = False

    async def run(self) -> Answer | None:
        """None when nothing was said. Raises the Trouble that came before anything was; one that came later
        stands in `trouble`."""
        if self._stopped:
            return None
        self._task = asyncio.create_task(self._receive())
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._stopped:
                self._task.cancel()  # whoever runs this is ended
                raise
        except Trouble as trouble:
            if not (self.said or self._calls):
                raise
            self.trouble = trouble
        answer = self._answer()
        if answer is not None and answer.cut and self.wanted.keep and self.wanted.conversation:
            with suppress(Trouble):
                await self._find_kept(answer)
        return answer

    def stop(self) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _receive(self) -> None:
        read = 0.0  # by time.monotonic, when several pieces may have been there
        async with aclosing(self.daemon.answer(self.wanted)) as pieces:
            async for piece in pieces:
                if isinstance(piece, End):
                    self._end = piece
                    continue
                self._model = ref_of(piece.model) or self._model
                self._calls += piece.calls
                if piece.thought:
                    self._thoughts.append(piece.thought)
                if piece.text:
                    self.said.append(piece.text)
                    await self.on_text(piece.text, self._model)
                    if time.monotonic() - read > _TOGETHER / 10:  # it had to be waited for
                        await asyncio.sleep(_TOGETHER)
                        read = time.monotonic()

    def _answer(self) -> Answer | None:
        said = Said("assistant", "".join(self.said), joined_calls(self._calls))
        if not said.content and not said.calls:
            return None
        end = self._end
        return Answer(
            said=said,
            interaction=end.interaction if end else None,
            revision=end.revision if end else None,
            model=self._model,
            cut=end is None or end.finish == "length",
            thoughts="".join(self._thoughts),
            tokens=end.tokens if end else 0,
            rate=end.rate if end else None,
        )

    async def _find_kept(self, answer: Answer) -> None:
        """The daemon keeps the part after the line is cut, and its text may go a word further than ours."""
        asked = [message["content"] for message in self.wanted.messages]
        wanted = self.wanted.conversation
        for _ in range(_LOOKS):
            await asyncio.sleep(_BETWEEN)
            try:
                found = await self.daemon.look("conversation", id=wanted, brief=True, last=1)
            except Trouble:
                continue  # no such conversation yet
            last = found["interactions"][-1]
            kept, said = said_of(last["completion"]), [message["content"] for message in last["said"]]
            if said and asked[-len(said) :] == said and kept.content.startswith(answer.said.content):
                answer.said, answer.interaction, answer.revision = kept, last["id"], last["revision"]
                return


def joined_calls(pieces: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str, str], ...]:
    """The calls whose pieces came in a stream: the first of each names it, the others are its arguments."""
    calls: dict[int, list[str]] = {}
    for piece in pieces:
        call = calls.setdefault(int(piece.get("index", 0)), ["", "", ""])
        function = piece.get("function") or {}
        call[0] = piece.get("id") or call[0]
        call[1] = function.get("name") or call[1]
        call[2] += function.get("arguments") or ""
    return tuple((key, name, arguments) for _, (key, name, arguments) in sorted(calls.items()))
