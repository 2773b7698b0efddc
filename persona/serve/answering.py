"""One answer, generated and kept in a thread of its own, read on the event loop.

The turn is durable before its end is handed out. Whoever stops reading cancels the generation, and a place
is taken until the thread has ended, so no client can have more going on than the limit allows. Who wants one
call at most has it, and the generation ends there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from persona.engine.protocol import Completion, FinishReason
from persona.errors import EngineError, NotKept, PersonaError
from persona.serve.asked import Asked, Ended, Given, HeldReader, Opened
from persona.serve.desk import Lease, Turn, Visitor
from persona.serve.mailbox import Mailbox
from persona.serve.metrics import Metrics
from persona.serve.refusals import Refused, refusal_of
from persona.template.controls import Controls
from persona.template.reader import MessageReader, Piece
from store.records import Message, ToolCall

_log = logging.getLogger(__name__)

Step = Opened | Piece | Ended | Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request for an answer, with what its headers say. `call_prefix` begins the ids of calls.

    `keep_part`: what was given until the client left is kept like an answer.
    """

    visitor: Visitor
    asked: Asked
    conversation: str | None
    keep: bool
    call_prefix: str
    keep_part: bool = False


class _Left(Exception):
    """Nobody reads the answer any more."""


class Answering:
    """One answer under way: `open`, then `steps` to the end; `leave` at any time, and always at last."""

    def __init__(self, call: Call, metrics: Metrics, on_end: Callable[[], None]) -> None:
        self._call = call
        self._metrics = metrics
        self._on_end = on_end
        self._steps: Mailbox[Step] = Mailbox(asyncio.get_running_loop())
        self._left = threading.Event()
        self._began = time.monotonic()
        self._first: float | None = None
        self._written = self._began
        self._given = Given()
        self._called = False

    async def open(self) -> Opened:
        """Once the engine has taken the prompt. Refused when it, or whatever comes before it, does not."""
        threading.Thread(target=self._work, name="persona-serve", daemon=True).start()
        step = await self._steps.take()
        if isinstance(step, Refused):
            raise step
        assert isinstance(step, Opened)
        return step

    async def steps(self, beat: float) -> AsyncIterator[Piece | Ended | None]:
        """Pieces and at last the end; None when nothing came for `beat` seconds. Refused when it breaks."""
        while True:
            step = await self._steps.take(beat)
            if step is None:
                yield None
                continue
            if isinstance(step, Refused):
                raise step
            assert not isinstance(step, Opened)
            yield step
            if isinstance(step, Ended):
                return

    def leave(self) -> None:
        """End the generation at its next piece. Idempotent; nothing to do after the end."""
        self._left.set()

    def _work(self) -> None:
        ended = "failed"
        try:
            self._answer()
            ended = "whole"
        except _Left:
            ended = "cancelled"
        except Refused as refused:
            self._steps.put(refused)
        except PersonaError as error:
            self._steps.put(self._refusal(error))
        except Exception:  # noqa: BLE001  # a thread has nobody else to tell
            _log.exception("an answer broke")
            self._steps.put(Refused("persona broke; its log says where", status=500, code="internal_error"))
        finally:
            self._metrics.answers.labels(ended=ended).inc()
            self._on_end()

    def _answer(self) -> None:
        asked = self._call.asked
        with self._call.visitor.desk.lease(asked.model) as lease:
            revision = lease.revision
            try:
                completion = self._generate(lease)
            except _Left:
                if self._call.keep_part:
                    self._keep(self._broken_off("cancelled"), revision)
                raise
        ended = self._keep(completion, revision)
        self._metrics.tokens.labels(of="prompt").inc(completion.prompt_tokens)
        self._metrics.tokens.labels(of="completion").inc(completion.completion_tokens)
        self._metrics.seconds.observe(time.monotonic() - self._began)
        self._steps.put(ended)

    def _generate(self, lease: Lease) -> Completion:
        asked = self._call.asked
        controls = Controls(lease.controls)
        reader: Any = MessageReader(controls)
        if asked.must_call:
            reader = HeldReader(reader)
        stream: Any = lease.engine.stream(asked.prompt, asked.sampling)  # a generator: closing it cancels
        pieces = 0
        with contextlib.closing(stream) as deltas:
            completion: Completion | None = None
            for number, delta in enumerate(deltas):
                if not number:
                    count = lease.engine.count(asked.prompt) if asked.counted else 0
                    self._steps.put(Opened(model=lease.model, revision=lease.revision, prompt_tokens=count))
                if self._left.is_set():
                    raise _Left
                if delta.text:
                    self._mark_first()
                    pieces += delta.pieces
                    self._hand_out(reader.feed(delta.text))
                completion = delta.completion or completion
                if self._enough:
                    break
        self._written = time.monotonic()
        if self._enough:
            prompt_tokens = lease.engine.count(asked.prompt)
            return self._broken_off("tool_calls", prompt_tokens=prompt_tokens, completion_tokens=pieces)
        if completion is None:
            raise EngineError(f"revision {lease.revision} ended an answer without its completion")
        self._hand_out(reader.finish())
        return replace(completion, finish_reason="tool_calls") if self._enough else completion

    @property
    def _enough(self) -> bool:
        """Of several calls the client wants one, and what would follow it is about all of them."""
        return self._call.asked.one_call and self._called

    def _broken_off(
        self, finish: FinishReason, *, prompt_tokens: int = 0, completion_tokens: int = 0
    ) -> Completion:
        """What has been given when the engine was not let finish; it has not counted the tokens."""
        return Completion(
            text=self._given.content,
            message=Message(role="assistant"),  # put in from what was given
            finish_reason=finish,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            seconds=time.monotonic() - self._began,
        )

    def _hand_out(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if self._enough:
                return
            if isinstance(piece, ToolCall):
                piece = replace(piece, id=self._call.call_prefix + secrets.token_hex(12))  # noqa: PLW2901
                self._called = True
            self._given.add(piece)
            self._steps.put(piece)

    def _keep(self, written: Completion, revision: str) -> Ended:
        completion = self._given.completion(written)
        interaction = None
        if self._call.keep and (completion.message.content or completion.message.tool_calls):
            turn = Turn(
                prompt=self._call.asked.prompt,
                completion=completion,
                source=self._call.visitor.name,
                revision=revision,
                conversation=self._call.conversation,
            )
            try:
                interaction = self._call.visitor.desk.keep(turn)
            except (PersonaError, OSError) as error:  # the answer stands; what it cost is counted
                why = error if isinstance(error, NotKept) else f"not kept: {error}"
                _log.error("an answer to %s was %s", self._call.visitor.name, why)
                self._metrics.not_kept.inc()
        first = self._first or self._written
        return Ended(
            completion=completion,
            interaction=interaction,
            until_first=first - self._began,
            since_first=self._written - first,
        )

    def _mark_first(self) -> None:
        if self._first is None:
            self._first = time.monotonic()
            self._metrics.until_first.observe(self._first - self._began)

    def _refusal(self, error: PersonaError) -> Refused:
        refused = refusal_of(error, schema=self._call.asked.sampling.json_schema is not None)
        if refused.status >= 500:
            _log.warning("an answer to %s broke: %s", self._call.visitor.name, error)
        return refused
