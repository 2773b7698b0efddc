"""Which preferences answers keep, and which they still show that were given up: with the statements withheld,
and with those in the prompt that the weights do not carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from persona.bridge import carried, saying
from persona.checker import Checker
from persona.engine.protocol import Completion, Prompt
from persona.evaluate.job import EvaluationJob, Probe
from persona.report import Rate, Spoken, Told


def adoption_of(
    probes: Sequence[Probe], answers: Sequence[Completion], checkers: Mapping[str, Checker]
) -> dict[str, Rate]:
    """By preference id, over the probes where it applies."""
    found: dict[str, Rate] = {}
    for key, checker in checkers.items():
        results = [
            checker.passes(answer.message)
            for probe, answer in zip(probes, answers, strict=True)
            if key in probe.preferences
        ]
        if results:
            found[key] = Rate(passed=sum(results), asked=len(results))
    return found


def residue_of(
    probes: Sequence[Probe],
    answers: Sequence[Completion],
    superseded: Mapping[str, Checker],
    in_their_place: Mapping[str, Checker],
) -> dict[str, Rate]:
    """On chat prompts that preferences speak about: how often an answer still shows a style given up.

    One that the style says nothing of, or that keeps what took its place, does not show it: no units are in
    an answer without a measure, and a bold first line is bold text too.
    """
    chats = [a.message for p, a in zip(probes, answers, strict=True) if p.preferences and not p.wanted]
    found: dict[str, Rate] = {}
    for key, old in superseded.items():
        new = in_their_place.get(key)
        shown = [
            old.applies_to(said) and old.passes(said) and not (new is not None and new.passes(said))
            for said in chats
        ]
        found[key] = Rate(passed=sum(shown), asked=len(chats))
    return found


def told_of(
    job: EvaluationJob,
    checkers: Mapping[str, Checker],
    adoption: Mapping[str, Rate],
    withheld: Sequence[Completion],
    ask: Callable[[Sequence[Prompt]], Sequence[Completion]],
) -> Told | None:
    """What is not in the weights would be said in the prompt: whether that helps is seen here, on all prompts
    that would bear it. They are more than those that a preference is about: a habit with one tool is said
    wherever that tool is on offer.

    All are said together, with what nobody can check, as the bridge would. Where answers are lost then,
    nobody knows whose fault that is: what was said there is asked once more, each alone.

    `withheld` are the answers to the job's probes as they are, `adoption` is theirs; `ask` answers other
    prompts. None when nothing would be said.
    """
    waiting = [key for key, rate in adoption.items() if not carried(rate)]
    bears = {
        n: [key for key in probe.bears if key in waiting or key not in adoption]
        for n, probe in enumerate(job.probes)
        if not set(waiting).isdisjoint(probe.bears)
    }
    if not bears:
        return None

    def with_said(keys_at: Mapping[int, Sequence[str]]) -> dict[int, Completion]:
        said = [[job.statements.get(key, "") for key in keys] for keys in keys_at.values()]
        asked = [saying(job.probes[n].prompt, each) for n, each in zip(keys_at, said, strict=True)]
        return dict(zip(keys_at, ask(asked), strict=True))

    together = with_said(bears)
    each: dict[str, Spoken] = {}
    for key in waiting:
        here = [n for n, keys in bears.items() if key in keys]
        probes, before = [job.probes[n] for n in here], [withheld[n] for n in here]
        found = _spoken(key, probes, before, [together[n] for n in here], checkers)
        if found.costs or found.idle:
            alone = together if all(bears[n] == [key] for n in here) else with_said({n: [key] for n in here})
            found = replace(_spoken(key, probes, before, [alone[n] for n in here], checkers), alone=True)
        each[key] = found
    return Told(
        preferences=tuple(waiting),
        withheld=_all_of([job.probes[n] for n in bears], [withheld[n] for n in bears], checkers),
        said=_all_of([job.probes[n] for n in bears], list(together.values()), checkers),
        each=each,
    )


def _spoken(
    key: str,
    probes: Sequence[Probe],
    withheld: Sequence[Completion],
    said: Sequence[Completion],
    checkers: Mapping[str, Checker],
) -> Spoken:
    """What statements do to the prompts that bear this preference's."""
    own = {key: checkers[key]}
    return Spoken(
        own_withheld=_all_of(probes, withheld, own),
        own_said=_all_of(probes, said, own),
        all_withheld=_all_of(probes, withheld, checkers),
        all_said=_all_of(probes, said, checkers),
    )


def _all_of(probes: Sequence[Probe], answers: Sequence[Completion], checkers: Mapping[str, Checker]) -> Rate:
    rates = adoption_of(probes, answers, checkers).values()
    return Rate(passed=sum(rate.passed for rate in rates), asked=sum(rate.asked for rate in rates))
