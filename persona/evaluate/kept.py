"""Which preferences answers keep: with their statements withheld, and with those in the prompt that the
weights do not carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from persona.bridge import carried, saying, speaks_about
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

    `withheld` are the answers to the job's probes as they are, `adoption` is theirs; `ask` answers other
    prompts. None when nothing would be said.
    """
    waiting = [key for key, rate in adoption.items() if not carried(rate)]
    bears = [[key for key in waiting if speaks_about(job.scopes[key], each.prompt)] for each in job.probes]
    spoken = [n for n, keys in enumerate(bears) if keys]
    if not spoken:
        return None
    probes = [job.probes[n] for n in spoken]
    before = [withheld[n] for n in spoken]
    said = ask(
        [saying(job.probes[n].prompt, [job.statements.get(key, "") for key in bears[n]]) for n in spoken]
    )
    return Told(
        preferences=tuple(waiting),
        withheld=_all_of(probes, before, checkers),
        said=_all_of(probes, said, checkers),
        each={
            key: _spoken(
                key, [n for n, at in enumerate(spoken) if key in bears[at]], probes, before, said, checkers
            )
            for key in waiting
        },
    )


def _spoken(
    key: str,
    here: Sequence[int],
    probes: Sequence[Probe],
    withheld: Sequence[Completion],
    said: Sequence[Completion],
    checkers: Mapping[str, Checker],
) -> Spoken:
    """What the statements do to the prompts that bear this preference's, by their places."""
    about = [probes[n] for n in here]
    before, after = [withheld[n] for n in here], [said[n] for n in here]
    own = {key: checkers[key]}
    return Spoken(
        own_withheld=_all_of(about, before, own),
        own_said=_all_of(about, after, own),
        all_withheld=_all_of(about, before, checkers),
        all_said=_all_of(about, after, checkers),
    )


def _all_of(probes: Sequence[Probe], answers: Sequence[Completion], checkers: Mapping[str, Checker]) -> Rate:
    rates = adoption_of(probes, answers, checkers).values()
    return Rate(passed=sum(rate.passed for rate in rates), asked=sum(rate.asked for rate in rates))
