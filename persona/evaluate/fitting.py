"""What of a job can be measured at all: a prompt or a pair that is too long for the engine is left out.

A held-out example stays one for ever, so one that ended the evaluation would end that of every night.
"""

from __future__ import annotations

from dataclasses import replace

from persona.base import Base
from persona.bridge import saying
from persona.engine.protocol import Prompt
from persona.engine.wording import Wording
from persona.evaluate.job import EvaluationJob, Probe


def fitting(job: EvaluationJob, base: Base) -> tuple[EvaluationJob, int]:
    """The job without what does not fit, and how many probes and pairs that were.

    A probe needs room for its answer, and for all that the bridge could say to it.
    """
    engine = Wording(base, base.served_context(None))
    probes = tuple(probe for probe in job.probes if _longest(job, probe, engine) <= engine.context)
    pairs = tuple(
        pair
        for pair in job.pairs
        if all(
            sum(map(len, engine.pair(Prompt(messages=pair.prompt, tools=pair.tools), side)))
            <= base.context_length
            for side in (pair.chosen, pair.rejected)
        )
    )
    left_out = len(job.probes) - len(probes) + len(job.pairs) - len(pairs)
    return replace(job, probes=probes, pairs=pairs), left_out


def _longest(job: EvaluationJob, probe: Probe, engine: Wording) -> int:
    said = saying(probe.prompt, (job.statements.get(key, "") for key in probe.bears))
    return max(engine.count(probe.prompt), engine.count(said)) + job.max_tokens
