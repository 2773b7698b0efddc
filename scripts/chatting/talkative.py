"""A daemon whose engine speaks from a script: `python scripts/chatting/talkative.py HOME` serves until told
to end, and says of every answer how long its generation took, one JSON object a line.

Two questions have a meaning: `hostile A B` is answered with those of the hostile strings, `tokens N` with so
many tokens, each of which costs every processor some milliseconds, as a model's would.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from adapters import Bare, Revision
from persona.bootstrap import Persona
from persona.daemon.process import serve
from persona.engine.fake import ScriptedEngine
from persona.engine.protocol import Delta, Prompt, Sampling
from persona.paths import Home
from scripts.chatting.hostile import strings
from scripts.screens.served import small_base

END = "theendofit"
_WORD = re.compile(r"\s*\S+")  # what the scripted engine takes for a token
_WORK = 2_250_000  # bytes that each processor hashes for a token: some milliseconds, fewer than a model takes
_PROSE = (
    "The keeper climbed the stairs, as on every evening, and lit the lamp before the fog came in. ",
    "Nobody had asked for it. ",
    "- a **rope** of forty metres\n- two lanterns, `oil` and all\n- bread\n\n",
    "```python\ndef lamp(hours):\n    return [hour for hour in hours if hour.dark]\n```\n\n",
    "What the sea brought in the morning lay on the sand: planks, a boot, and a letter. ",
    "## The next day\n\n",
    "\n\n",
)


def answer(prompt: Prompt) -> str:
    word, *numbers = prompt.messages[-1].content.split()
    if word == "hostile":
        first, last = map(int, numbers)
        return "\n\n".join(strings(first, last)) + f"\n\n{END}{last}"
    if word == "tokens":
        return _tale(int(numbers[0]))
    return "Yes."


def _tale(tokens: int) -> str:
    words = _WORD.findall("".join(_PROSE) * (tokens // 40 + 1))
    return "".join(words[: tokens - 1]) + f"\n\n{END}"


class Working(ScriptedEngine):
    """Every token is work on all processors at once, which wait for one another: whoever takes one of them
    for a while holds up all, as with llama.cpp."""

    def __init__(self, revision: str) -> None:
        super().__init__(answer, revision=revision)
        self._threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads)
        self._works = False

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        self._works = prompt.messages[-1].content.startswith("tokens")
        began, cpu = time.perf_counter(), time.process_time()
        tokens = 0
        for delta in super().stream(prompt, sampling):
            tokens += delta.completion is None
            yield delta
        took = time.perf_counter() - began
        print(
            json.dumps({"tokens": tokens, "seconds": took, "cpu_seconds": time.process_time() - cpu}),
            flush=True,
        )

    def _wait(self) -> None:
        if self._works:
            list(self._pool.map(_hash, range(self._threads)))


_BYTES = bytes(_WORK)


def _hash(_: int) -> None:
    hashlib.blake2b(_BYTES).digest()


def main() -> None:
    home = Home(Path(sys.argv[1]))

    def engine(_: Persona, revision: Revision | Bare) -> ScriptedEngine:
        return Working(revision.id)

    environ = {"PERSONA_IDENTITY__NAME": "me", "PERSONA_SCHEDULE__ENABLED": "false"}
    with Persona(home=home, environ=environ, engine_opener=engine) as persona:
        persona.__dict__["base"] = small_base(home)
        serve(
            persona,
            host="127.0.0.1",
            port=0,
            on_ready=lambda place: print(json.dumps({"url": place.url}), flush=True),
        )


if __name__ == "__main__":
    main()
