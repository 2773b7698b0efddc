"""Several engines of one revision as one: each answers its share of the prompts, one at a time, on one core.

A small base is too short of work for several threads; engines side by side are faster, most of all beside
other work. A prompt still meets nothing but its own engine's single slot, so greedy answers repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from adapters import Bare, Revision
from persona.base import Base
from persona.engine.cores import own_cores
from persona.engine.opener import open_engine
from persona.engine.protocol import Completion, Delta, Engine, Prompt, Sampling

_MOST = 4  # each costs its context in memory


class Several:
    """An Engine; at least one of `engines`, and closing it closes them."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = tuple(engines)

    @property
    def revision(self) -> str:
        return self._engines[0].revision

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        count = len(self._engines)
        shares = [prompts[n::count] for n in range(count)]
        with ThreadPoolExecutor(count) as threads:
            asked = threads.map(lambda engine, share: engine.complete(share, sampling), self._engines, shares)
            done = [iter(answers) for answers in asked]
        return [next(done[n % count]) for n in range(len(prompts))]

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        return self._engines[0].stream(prompt, sampling)

    def count(self, prompt: Prompt) -> int:
        return self._engines[0].count(prompt)

    def close(self) -> None:
        for engine in self._engines:
            engine.close()


def open_several(base: Base, revision: Revision | Bare) -> Several:
    """As many as there are cores. Raises what open_engine raises, and leaves nothing loaded then."""
    with ExitStack() as opened:
        engines = []
        for _ in range(min(_MOST, own_cores())):
            engine = open_engine(base, revision, threads=1)
            opened.callback(engine.close)
            engines.append(engine)
        opened.pop_all()
        return Several(engines)
