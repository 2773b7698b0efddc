"""What is too long to be measured is left out and counted, and ends no night."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from persona.base import Base
from persona.engine.protocol import Prompt
from persona.evaluate.fitting import fitting
from persona.evaluate.job import EvaluationJob, Probe
from store.records import Message, PreferencePair

LONG = "word " * 9000  # more than the starter base reads


def _probe(text: str, *bears: str) -> Probe:
    return Probe(prompt=Prompt(messages=(Message(role="user", content=text),)), bears=bears)


def _pair(chosen: str, rejected: str) -> PreferencePair:
    said = [Message(role="assistant", content=text) for text in (chosen, rejected)]
    return PreferencePair(
        id=f"{len(chosen)}-{len(rejected)}",
        conversation="c",
        prompt=(Message(role="user", content="Hello?"),),
        chosen=said[0],
        rejected=said[1],
    )


def _job(*probes: Probe, pairs: tuple[PreferencePair, ...] = ()) -> EvaluationJob:
    return EvaluationJob(
        home=Path("h"),
        base="b",
        adapters=Path("a"),
        candidate="rev-1",
        champion="r0",
        probes=probes,
        pairs=pairs,
        checkers={},
        statements={"short": "Be brief.", "long": "Be brief. " * 100},
    )


def test_a_prompt_and_a_pair_that_do_not_fit_are_left_out(starter_base: Base) -> None:
    """The others stay as they are, in their order."""
    job = _job(
        _probe("one"),
        _probe(LONG),
        _probe("two"),
        pairs=(_pair("a", "b"), _pair("a", LONG), _pair(LONG, "b")),
    )
    fits, left_out = fitting(job, starter_base)
    assert ["one", "two"] == [probe.prompt.messages[0].content for probe in fits.probes]
    assert job.pairs[:1] == fits.pairs
    assert 3 == left_out


def test_there_must_be_room_for_the_answer_and_for_what_the_bridge_says(starter_base: Base) -> None:
    """Else the night would end where the statements of the candidate are tried."""
    words = "word " * (starter_base.served_context(None) - 200)
    room = {"none": _probe(words), "short": _probe(words, "short"), "long": _probe(words, "long")}
    fits, left_out = fitting(_job(*room.values()), starter_base)
    assert (room["none"], room["short"]) == fits.probes
    assert 1 == left_out
    assert 3 == fitting(replace(_job(*room.values()), max_tokens=512), starter_base)[1]
