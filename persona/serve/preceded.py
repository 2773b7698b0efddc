"""An engine before whose calls stand two earlier requests like this one, with the calls that were wanted.

What is stored stays the prompt as the client sent it. Whether an answer is a call is heard from its first
words, before anything of it is given.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from persona.engine.protocol import Completion, Delta, Engine, Prompt, Sampling
from persona.errors import PromptTooLong
from persona.precedents import Preceded, Precedent, again, instead, preceded
from persona.template.calls import opens_with_call


class PrecededEngine:
    """An Engine in front of another one, for as long as one lease; closing is left to whoever opened it.

    An answer that a schema holds is no call of this form, and is left alone. Where precedents leave no room,
    or are answered in prose, the answer is the one without them.
    """

    def __init__(self, engine: Engine, precedents: Sequence[Precedent]) -> None:
        self._engine = engine
        self._precedents = tuple(precedents)

    @property
    def revision(self) -> str:
        return self._engine.revision

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        plain = self._engine.complete(prompts, sampling)
        asked = {} if sampling.json_schema is not None else again(prompts, plain, self._precedents)
        answered = {}
        for n, prompt in asked.items():
            try:
                (done,) = self._engine.complete([prompt], sampling)
            except PromptTooLong:
                continue
            answered[n] = replace(done, seconds=plain[n].seconds + done.seconds)
        return instead(plain, answered)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        found = None if sampling.json_schema is not None else preceded(prompt, self._precedents)
        if found is None:
            return self._engine.stream(prompt, sampling)
        return self._streamed(prompt, found, sampling)

    def count(self, prompt: Prompt) -> int:
        return self._engine.count(prompt)

    def close(self) -> None:
        return

    def _streamed(self, prompt: Prompt, found: Preceded, sampling: Sampling) -> Iterator[Delta]:
        if not found.sure:
            with closing(_closable(self._engine.stream(prompt, sampling))) as plain:
                held, calls = yield from _opening(plain)
                if not calls:
                    yield from held
                    yield from plain
                    return
        try:
            with closing(_closable(self._engine.stream(found.prompt, sampling))) as answer:
                held, calls = yield from _opening(answer)
                if calls:
                    yield from held
                    yield from answer
                    return
        except PromptTooLong:
            pass  # nothing was given yet: the request goes as it came
        yield from self._engine.stream(prompt, sampling)


def _closable(stream: Iterator[Delta]) -> Any:
    """Every engine's stream is a generator: closing it cancels."""
    return stream


def _opening(deltas: Iterator[Delta]) -> Generator[Delta, None, tuple[list[Delta], bool]]:
    """What is held until it is clear whether the answer opens with a call, and whether it does. Meanwhile
    empty deltas say that it is on its way."""
    held: list[Delta] = []
    text = ""
    for delta in deltas:
        if delta.text or delta.completion is not None:
            held.append(delta)
            text += delta.text
            calls = opens_with_call(text)
            if calls is not None:
                return held, calls
        yield Delta()
    return held, False
