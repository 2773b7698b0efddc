"""Measure candidate, champion and base on held-out prompts, with the engine that will serve.

Every arm answers the same prompts greedily; no preference statement is in any prompt, so what shows comes
from the weights.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from adapters import Registry
from persona.base import Base, load_base
from persona.checker import from_json
from persona.child import Report
from persona.engine.cores import own_cores
from persona.engine.opener import engine_kind, open_base_engine, open_engine, open_scorer
from persona.engine.own_answers import OWN_ANSWERS_AT_ONCE
from persona.engine.protocol import Completion, Prompt, Sampling, Scorer
from persona.engine.wording import Wording
from persona.evaluate.calls import begun, exact, valid
from persona.evaluate.fitting import fitting
from persona.evaluate.form import faults, form_of
from persona.evaluate.job import EvaluationJob, Probe
from persona.evaluate.kept import adoption_of, residue_of, told_of
from persona.evaluate.neutral import neutral_answers, neutral_prompts, small_talk
from persona.paths import Home
from persona.precedents import again, instead
from persona.report import Arm, EvalReport, Rate, Recalled, Sample
from store.records import Message, PreferencePair

BARE = "r0"
SAMPLE_CHARACTERS = 2000
_ENOUGH_FOR_FORM = 24  # answers, before their form is asked of prompts besides
_DOUBT = 2  # answers that loop, or are empty, more than the base has: one refuses nothing
_CALL_TOKENS = 64  # in which a call begins, or it is prose
_ENGINES = 2  # each costs its context in memory; two with one thread are faster than one with two


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scored:
    pairs: Rate | None
    drift: float | None


def measure(job: EvaluationJob, report: Report) -> EvalReport:
    """The whole evaluation. Raises BaseMismatch, Damaged and EngineError; a report is never partial."""
    began = time.monotonic()
    base = load_base(Home(job.home), job.base)
    job, too_long = fitting(job, base)
    registry = Registry.open(job.adapters, create=False)
    arms = list(dict.fromkeys([BARE, job.champion, job.candidate]))
    prompts = [probe.prompt for probe in job.probes]
    answers = {arm: _answers(job, base, registry, arm, prompts, report) for arm in arms}
    more = _asked_for_form(job, base, registry, answers, report)
    kept = _prose_kept(job, base, registry, arms, report)
    scored = _score(job, base, registry, arms, report)
    checkers = {key: from_json(plain) for key, plain in job.checkers.items()}
    superseded = {key: from_json(plain) for key, plain in job.superseded.items()}
    in_their_place = {key: checkers[new] for key, new in job.instead.items()}
    measured = {
        arm: Arm(
            revision=arm,
            adoption=adoption_of(job.probes, answers[arm], checkers),
            residue=residue_of(job.probes, answers[arm], superseded, in_their_place),
            pairs=scored[arm].pairs,
            calls_valid=_calls_valid(job.probes, answers[arm]),
            calls_exact=_calls_exact(job.probes, answers[arm]),
            prose_kept=kept.get(arm),
            drift=scored[arm].drift,
            form=form_of(answers[arm], more.get(arm, ())),
        )
        for arm in arms
    }
    told = told_of(
        job,
        checkers,
        measured[job.candidate].adoption,
        answers[job.candidate],
        lambda asked: _answers(job, base, registry, job.candidate, asked, report),
    )
    recalled = _recalled(job, base, registry, answers[job.candidate], report)
    return EvalReport(
        candidate=measured[job.candidate],
        champion=measured[job.champion],
        base=measured[BARE],
        statements=job.statements,
        engine=engine_kind(base, job.engine),
        samples=_samples(job, answers),
        seconds=time.monotonic() - began,
        told=told,
        precedents=recalled,
        too_long=too_long,
    )


def _answers(
    job: EvaluationJob,
    base: Base,
    registry: Registry,
    arm: str,
    prompts: Sequence[Prompt],
    report: Report,
    tokens: int | None = None,
) -> list[Completion]:
    """The prompts' answers, each by itself as it would be served, several engines side by side."""
    sampling = Sampling(max_tokens=tokens or job.max_tokens)
    report(f"answers of {arm}", 0, len(prompts))
    together = _ENGINES if engine_kind(base, job.engine) == "llama_cpp" and own_cores() > 1 else 1
    answers: dict[int, Completion] = {}
    with contextlib.ExitStack() as opened:
        engines = []
        for _ in range(together):
            engine = open_engine(
                base, registry.resolve(arm), kind=job.engine, threads=max(1, own_cores() // together)
            )
            opened.callback(engine.close)
            engines.append(engine)
        pool = opened.enter_context(ThreadPoolExecutor(together))
        shares = [range(n, len(prompts), together) for n in range(together)]
        asked = pool.map(
            lambda engine, share: engine.complete([prompts[i] for i in share], sampling), engines, shares
        )
        for share, done in zip(shares, asked, strict=True):
            answers.update(zip(share, done, strict=True))
    report(f"answers of {arm}", len(prompts), len(prompts))
    return [answers[i] for i in range(len(prompts))]


def _asked_for_form(
    job: EvaluationJob,
    base: Base,
    registry: Registry,
    answers: Mapping[str, Sequence[Completion]],
    report: Report,
) -> dict[str, list[Completion]]:
    """What each arm answers to neutral prompts, where some of few answers are in doubt: two that loop may
    be two of eight, or two of many."""
    kinds = zip(faults(answers[job.candidate]), faults(answers[BARE]), strict=True)
    if len(job.probes) >= _ENOUGH_FOR_FORM or all(now - then < _DOUBT for now, then in kinds):
        return {}
    asked = [
        Prompt(messages=(Message(role="user", content=text),))
        for text in neutral_prompts(_ENOUGH_FOR_FORM - len(job.probes))
    ]
    return {arm: _answers(job, base, registry, arm, asked, report) for arm in answers}


def _prose_kept(
    job: EvaluationJob, base: Base, registry: Registry, arms: Sequence[str], report: Report
) -> dict[str, Rate]:
    """Small talk behind the user's own tools: whoever learnt calls from calls alone may make one always, and
    there is hardly a tool for good morning. Left out where the tools leave no room for it. A call that is cut
    off is one."""
    if job.offer is None:
        return {}
    room = Wording(base, base.served_context(None))
    offered = [Prompt(messages=job.offer.before(text), tools=job.offer.tools) for text in small_talk()]
    asked = [each for each in offered if room.count(each) + _CALL_TOKENS <= room.context]
    if not asked:
        return {}
    answers = {arm: _answers(job, base, registry, arm, asked, report, tokens=_CALL_TOKENS) for arm in arms}
    return {
        arm: Rate(passed=sum(not begun(each.message) for each in done), asked=len(asked))
        for arm, done in answers.items()
    }


def _recalled(
    job: EvaluationJob, base: Base, registry: Registry, plain: Sequence[Completion], report: Report
) -> Recalled | None:
    """What precedents do to the candidate's calls, where a call is wanted and they fit."""
    found = again([probe.prompt for probe in job.probes], plain, job.precedents)
    wanting = {n: prompt for n, prompt in found.items() if job.probes[n].wanted}
    if not wanting:
        return None
    room = Wording(base, base.served_context(None))
    asked = {n: each for n, each in wanting.items() if room.count(each) + _CALL_TOKENS <= room.context}
    if not asked:
        return None
    done = _answers(job, base, registry, job.candidate, list(asked.values()), report)
    answers = instead(plain, dict(zip(asked, done, strict=True)))
    return Recalled(without=_calls_exact(job.probes, plain), with_them=_calls_exact(job.probes, answers))


def _score(
    job: EvaluationJob, base: Base, registry: Registry, arms: Sequence[str], report: Report
) -> dict[str, _Scored]:
    """Pairs and drift of every arm; one model with one adapter at a time."""
    neutral = neutral_answers(
        base,
        job.neutral_prompts,
        lambda: open_base_engine(base, kind=job.engine, parallel=OWN_ANSWERS_AT_ONCE),
        lambda done, total: report("neutral answers", done, total),
    )
    found: dict[str, _Scored] = {}
    for n, arm in enumerate([a for a in arms if a != BARE] or [BARE]):
        report("scores", n, len(arms))
        scorer = open_scorer(base, registry.resolve(arm), device=job.device)
        try:
            if BARE not in found:
                found[BARE] = _Scored(pairs=_pair_accuracy(scorer, job.pairs, bare=True), drift=0.0)
            if arm != BARE:
                divergence = scorer.divergence([p for p, _ in neutral], [m for _, m in neutral])
                found[arm] = _Scored(
                    pairs=_pair_accuracy(scorer, job.pairs, bare=False),
                    drift=sum(divergence) / len(divergence) if divergence else None,
                )
        finally:
            scorer.close()
    report("scores", len(arms), len(arms))
    return found


def _pair_accuracy(scorer: Scorer, pairs: Sequence[PreferencePair], *, bare: bool) -> Rate:
    """By mean log-probability per token: the sum would reward the shorter side whatever the revision."""
    prompts = [Prompt(messages=p.prompt, tools=p.tools) for p in pairs]
    score = scorer.score_base if bare else scorer.score
    chosen = score(prompts, [p.chosen for p in pairs])
    rejected = score(prompts, [p.rejected for p in pairs])
    won = sum(c.per_token > r.per_token for c, r in zip(chosen, rejected, strict=True))
    return Rate(passed=won, asked=len(pairs))


def _calls_valid(probes: Sequence[Probe], answers: Sequence[Completion]) -> Rate:
    asked = [(p, a) for p, a in zip(probes, answers, strict=True) if p.wanted]
    return Rate(passed=sum(valid(a.message, p.prompt.tools) for p, a in asked), asked=len(asked))


def _calls_exact(probes: Sequence[Probe], answers: Sequence[Completion]) -> Rate:
    asked = [(p, a) for p, a in zip(probes, answers, strict=True) if p.wanted]
    return Rate(passed=sum(exact(a.message, p.wanted) for p, a in asked), asked=len(asked))


def _samples(job: EvaluationJob, answers: Mapping[str, Sequence[Completion]]) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            prompt=_clipped(probe.prompt.messages[-1].content),
            base=answers[BARE][i].text,
            champion=answers[job.champion][i].text,
            candidate=answers[job.candidate][i].text,
        )
        for i, probe in enumerate(job.probes[: job.samples])
    )


def _clipped(text: str) -> str:
    """A report is kept for ever: a pasted document in a prompt is not."""
    return text if len(text) <= SAMPLE_CHARACTERS else f"{text[: SAMPLE_CHARACTERS - 1]}…"
