"""Asks the starter base every prompt of the people once, greedily, and keeps what it says.

    .venv/bin/python scripts/people/answers.py [--seconds 120]

Answers already kept are not asked again, so it may be run in portions; when nothing is missing it says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from people import PEOPLE, Ask
from people.files import ANSWERS, rows
from persona.base import prepare_base
from persona.engine.llama_cpp import LlamaCppEngine
from persona.engine.protocol import Engine, Sampling
from persona.paths import Home

MAX_TOKENS = 120
TOGETHER = 4  # requests; several at once are done sooner, and nothing here needs the last bit


def asked() -> dict[str, Ask]:
    """Every request that some person makes in some evening, by its text."""
    return {
        ask.text: ask
        for person in PEOPLE
        for pool in (*person.pools, person.idle)
        for ask in pool
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the base said to one request."""

    ask: Ask
    text: str


def _answer(engine: Engine, ends: float, ask: Ask) -> Answered | None:
    """None where it is too late to begin."""
    if time.monotonic() > ends:
        return None
    (done,) = engine.complete([ask.prompt], Sampling(max_tokens=MAX_TOKENS))
    return Answered(ask=ask, text=done.text.strip())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600.0, help="begin no request after so long")
    parser.add_argument("--threads", type=int, help="fewer than the cores on a machine that has other work")
    options = parser.parse_args()
    kept = {row["prompt"] for row in rows(ANSWERS.name)} if ANSWERS.exists() else set()
    missing = [ask for text, ask in asked().items() if text not in kept]
    base = prepare_base(Home.default(), "smollm2-135m")
    engine = LlamaCppEngine(base, None, "r0", threads=options.threads, parallel=TOGETHER)
    ends = time.monotonic() + options.seconds
    try:
        with ANSWERS.open("a", encoding="utf-8") as file, ThreadPoolExecutor(TOGETHER) as desks:
            for answered in desks.map(partial(_answer, engine, ends), list(missing)):
                if answered is not None:
                    missing.remove(answered.ask)
                    row = {"prompt": answered.ask.text, "answer": answered.text}
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    file.flush()
    finally:
        engine.close()
    print(f"{len(missing)} prompts are still to be asked" if missing else "every prompt has its answer")
    return 0


if __name__ == "__main__":
    sys.exit(main())
