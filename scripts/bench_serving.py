"""How fast persona answers: beside bare llama.cpp and transformers, with the same base, adapter and prompts;
and what a long life, strangers and nonsense do to it.

Nothing is trained: the adapters are random, which costs the same time as learned ones. Every round asks
persona once and bare llama.cpp twice, in an order that changes, so that what else the machine does falls on
all alike. What is printed are medians over the rounds; ratios are within a round, and what llama.cpp's two
turns differ by says how much of them is noise.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from night_place import starter
from serving.arms import Ask, BareLlama, Daemon, Generate, Timed, at_once
from serving.hostile import fuzz, knock
from serving.long_life import capture, memory, soak, swaps
from serving.place import make_home, publish_random

import persona.engine  # noqa: F401  # before llama.cpp is loaded: it says how its threads wait
from adapters import Registry

CONTEXT = 8192
_AGAIN = "llama.cpp again"
_SHORT = 4  # times as many rounds of a first text alone, which is over soon and swings most
TALE = "Round {round}, client {client}: tell me a very long tale about a lighthouse, with every detail."


Rounds = Mapping[str, Sequence[tuple[list[Timed], float]]]
"""By arm: what was answered in each round, and the seconds that all answers together took."""


def speeds(arms: Mapping[str, Ask], *, clients: int, rounds: int, tokens: int) -> Rounds:
    """Every arm in every round, `clients` asking at once; each arm comes first as often as another."""
    found: dict[str, list[tuple[list[Timed], float]]] = {name: [] for name in arms}
    names = list(arms)
    for number in range(rounds):
        questions = [TALE.format(round=number, client=client) for client in range(clients)]
        for name in names:
            found[name].append(at_once(arms[name], questions, tokens))
        names = names[1:] + names[:1]
    return found


def ratio(rounds: Rounds, arm: str, to: str) -> float:
    """Tokens a second of `arm` in terms of `to`'s, all clients together, in the middle of the rounds."""
    paired = zip(rounds[arm], rounds[to], strict=True)
    return round(statistics.median(_rate(one) / _rate(other) for one, other in paired), 3)


def later_ms(rounds: Rounds, arm: str, to: str) -> float:
    """How much later the first text comes, in the middle of the rounds."""
    paired = zip(rounds[arm], rounds[to], strict=True)
    return round(1000 * statistics.median(_first(one) - _first(other) for one, other in paired), 1)


def _rate(asked: tuple[list[Timed], float]) -> float:
    """From the first text on of a single answer; of several, all tokens in the time that all took."""
    answers, took = asked
    return answers[0].rate if len(answers) == 1 else sum(answer.tokens for answer in answers) / took


def _first(asked: tuple[list[Timed], float]) -> float:
    return statistics.mean(answer.first for answer in asked[0])


def _figures(results: Sequence[tuple[list[Timed], float]]) -> dict[str, float]:
    answers = [answer for answers, _ in results for answer in answers]
    return {
        "tokens_per_s": round(
            statistics.median(sum(answer.tokens for answer in answers) / took for answers, took in results), 1
        ),
        "tokens_per_s_each": round(statistics.median(answer.rate for answer in answers), 1),
        "first_text_ms": round(1000 * statistics.median(answer.first for answer in answers), 1),
        "answer_tokens": round(statistics.mean(answer.tokens for answer in answers), 1),
    }


def measure(
    root: Path, *, quick: bool, rounds: int, steps: Sequence[str], transformers: bool, chats: int
) -> dict[str, Any]:
    base = starter()
    home = make_home(root, base)
    registry = Registry.open(home.identity("me").adapters)
    one, two = (publish_random(registry, base, seed) for seed in (1, 2))
    registry.promote(one.id, expected="r0", reason="bench")
    rounds, tokens = (1, 48) if quick else (rounds, 128)
    found: dict[str, Any] = {}
    daemon = Daemon(home, parallel=8)
    resident = {"started": memory(daemon)}
    try:
        if "speed" in steps:
            found["speed"] = _speed(daemon, base, one, rounds, tokens, quick=quick, transformers=transformers)
            resident["after_speed"] = memory(daemon)
            _tell("speed", found)
        if "swaps" in steps:
            found["swaps"] = swaps(daemon, home, (two, one), count=4 if quick else 50, clients=8)
            _tell("swaps", found)
            found["swaps_one_client"] = swaps(daemon, home, (two, one), count=2 if quick else 10, clients=1)
            _tell("swaps_one_client", found)
        if "soak" in steps:
            found["soak"] = soak(daemon, chats=20 if quick else chats, clients=4)
            _tell("soak", found)
        if "probes" in steps:
            found["probes"] = knock(daemon.url, daemon.token, count=100 if quick else 1000)
            _tell("probes", found)
        if "schemathesis" in steps:
            found["schemathesis"] = fuzz(
                daemon.url, daemon.token, examples=2 if quick else 50, coverage=not quick
            )
            _tell("schemathesis", found)
        found["resident_mb"] = {**resident, "at_the_end": memory(daemon)}
    finally:
        daemon.close()
    if "capture" in steps:
        found["capture"] = capture(home.identity("me").store, turns=40 if quick else 400)
        _tell("capture", found)
    return found


def _speed(daemon, base, revision, rounds, tokens, *, quick, transformers) -> dict[str, Any]:
    """The bare arm has as many slots as persona's. transformers answers one at a time and is asked once."""
    bare = BareLlama(base, revision, parallel=8, context=CONTEXT)
    found: dict[str, Any] = {}
    try:
        arms = {"persona": daemon.ask, "llama.cpp": bare.ask, _AGAIN: bare.ask}
        for ask in arms.values():
            ask("Warm up.", 8)
        for clients in (1, 4) if quick else (1, 4, 8):
            measured = speeds(
                arms, clients=clients, rounds=rounds, tokens=tokens if clients == 1 else tokens // 2
            )
            found[str(clients)] = {name: _figures(results) for name, results in measured.items()} | {
                "of_llama.cpp": ratio(measured, "persona", "llama.cpp"),
                "again_of_llama.cpp": ratio(measured, _AGAIN, "llama.cpp"),
            }
        measured = speeds(arms, clients=1, rounds=_SHORT * rounds, tokens=2)
        found["first_text"] = {
            "persona_later_ms": later_ms(measured, "persona", "llama.cpp"),
            "again_later_ms": later_ms(measured, _AGAIN, "llama.cpp"),
            "rounds": _SHORT * rounds,
        }
    finally:
        bare.close()
    if transformers:
        generate = Generate(base, revision)
        try:
            generate.ask("Warm up.", 8)
            measured = speeds({"transformers": generate.ask}, clients=1, rounds=1, tokens=tokens // 2)
        finally:
            generate.close()
        found["1"] |= {name: _figures(results) for name, results in measured.items()}
        alone = found["1"]
        found["of_transformers"] = round(
            alone["persona"]["tokens_per_s_each"] / alone["transformers"]["tokens_per_s_each"], 2
        )
    return found


def _tell(part: str, found: Mapping[str, Any]) -> None:
    """A run that is cut off has said what it knew."""
    print(json.dumps({part: found[part]}), file=sys.stderr, flush=True)


def show(found: Mapping[str, Any], indent: str = "") -> None:
    for name, value in found.items():
        if isinstance(value, Mapping) and any(isinstance(inner, Mapping) for inner in value.values()):
            print(f"{indent}{name}")
            show(value, indent + "  ")
        elif isinstance(value, Mapping):
            print(f"{indent}{name}: " + ", ".join(f"{key} {inner}" for key, inner in value.items()))
        else:
            print(f"{indent}{name}: {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--quick", action="store_true", help="less of everything: half a minute")
    parser.add_argument(
        "--steps",
        default="speed,swaps,soak,capture,probes,schemathesis",
        help="which parts, with commas between",
    )
    parser.add_argument("--chats", type=int, default=400, help="how many chats the long life has")
    parser.add_argument("--no-transformers", action="store_true", help="leave the slow one out")
    parser.add_argument("--rounds", type=int, default=12, help="how often each speed is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as root:
        found = measure(
            Path(root),
            quick=options.quick,
            rounds=options.rounds,
            steps=options.steps.split(","),
            transformers=not options.no_transformers,
            chats=options.chats,
        )
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)


if __name__ == "__main__":
    main()
