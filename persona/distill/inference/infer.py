"""From observations to what they show: preferences that many acts agree on, and those that acts disagree on.

A finding passed three gates: its p stands after the correction for everything that was tested with it, the
effect is large, and it rests on several conversations. The latest stretch of conversations is asked first, so
a clear change of mind is seen as soon as it is clear; where no stretch is, what stood stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from persona.checker import (
    ALWAYS,
    REQUEST_KINDS,
    Checker,
    Closing,
    MaxSentences,
    MaxWords,
    MinWords,
    Opening,
    from_json,
    is_tool_scope,
    kind_scope,
)
from persona.checker.request import QUESTION
from persona.distill.inference.candidates import Candidate, candidates
from persona.distill.inference.correction import threshold
from persona.distill.inference.lengths import Limit, limits
from persona.distill.inference.observations import Observation, Witness, witnesses
from persona.distill.inference.trial import (
    FEWEST_VOTES,
    LARGE_SHARE,
    Reader,
    Trial,
    Vote,
    binomial,
    share_kept,
    signed_rank,
)
from store.records import Preference

WINDOWS = (10, 20, 40)  # conversations, the latest; and all of them
_ELSEWHERE = 3  # conversations outside a kind, before they say that it holds there too
_LOOSER = 1.5  # a standing limit gives way to one that is tighter by more than this


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One preference that the acts show. `at` are the times of the conversations that speak for it, and
    `signals` the acts in them.
    """

    scope: str
    attribute: str
    checker: Checker
    statement: str
    at: tuple[datetime, ...]
    signals: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All that is tested: the witnesses of one scope, and what may be found there; `literals` at the edges of
    answers are seen by candidates about literals alone."""

    scope: str
    witnesses: tuple[Witness, ...]
    candidates: tuple[Candidate, ...]
    literals: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """`findings` have no two with the same (scope, attribute); `evidence` is what they were found in."""

    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...]


def infer(observations: Sequence[Observation], standing: Iterable[Preference], reader: Reader) -> Inference:
    """What the observations show. `standing` are entries of the ledger, whatever their status: those that
    were inferred are asked first, and literals of all of them do not count in lengths. Pure and repeatable.
    """
    if not observations:
        return Inference(findings=(), evidence=())
    entries = list(standing)
    evidence = [_gather(scope, seen, entries) for scope, seen in _scopes(observations)]
    trials = [trial for each in evidence for trial in _trials(each, entries, reader)]
    limit = threshold(trial.least for trial in trials)
    passed = [trial for trial in trials if trial.p <= limit and trial.large]
    return Inference(findings=tuple(_findings(passed, evidence, reader)), evidence=tuple(evidence))


def _scopes(observations: Sequence[Observation]) -> Iterator[tuple[str, Sequence[Observation]]]:
    """Everything first, then each kind of request that is seen often. What was seen of one narrow kind only
    says nothing about others.
    """
    kinds = {one.kind for one in observations}
    if len(kinds) == 1 and kinds != {QUESTION}:
        yield kind_scope(kinds.pop()), observations
        return
    yield ALWAYS, observations
    for kind in REQUEST_KINDS:
        seen = [one for one in observations if one.kind == kind]
        if len(seen) < len(observations) and len({one.conversation for one in seen}) >= FEWEST_VOTES:
            yield kind_scope(kind), seen


def _gather(scope: str, observations: Sequence[Observation], standing: Sequence[Preference]) -> Evidence:
    """What may be found in this scope. Literals of the ledger are literals, whoever put them there."""
    known = [
        Candidate(attribute=entry.attribute, checker=checker, statement=entry.statement)
        for entry in standing
        if entry.checker is not None
        and isinstance(checker := from_json(entry.checker), (Closing, Opening))
        and entry.source == "inferred"
        and entry.scope == scope
    ]
    stated = {
        entry.checker["text"]
        for entry in standing
        if entry.checker is not None and entry.checker["kind"] in (Closing.kind, Opening.kind)
    }
    found = candidates(observations, known)
    literals = tuple(sorted({*found.literals, *stated}))
    return Evidence(
        scope=scope,
        witnesses=tuple(witnesses(observations)),
        candidates=(*found.edges, *(replace(each, blind_to=literals) for each in found.others)),
        literals=literals,
    )


def _inferred(standing: Iterable[Preference], scope: str) -> list[Preference]:
    return [
        entry
        for entry in standing
        if entry.source == "inferred"
        and entry.scope == scope
        and entry.checker is not None
        and not is_tool_scope(entry.scope)
    ]


def _trials(evidence: Evidence, standing: Sequence[Preference], reader: Reader) -> Iterator[Trial]:
    for candidate in evidence.candidates:
        votes = reader.votes(candidate, evidence.witnesses)
        for window in _windows(len(votes)):
            latest = votes[-window:]
            if sum(vote.side > 0 for vote in latest) >= FEWEST_VOTES:
                yield binomial(candidate, evidence.scope, window, latest)
    for window in _windows(len(evidence.witnesses)):
        latest_ones = evidence.witnesses[-window:]
        for limit in _limits(latest_ones, evidence.literals, _inferred(standing, evidence.scope)):
            votes = reader.votes(limit.candidate, latest_ones)
            if sum(vote.side > 0 for vote in votes) >= FEWEST_VOTES:
                yield signed_rank(
                    limit.candidate,
                    evidence.scope,
                    window,
                    votes,
                    length=limit.length,
                    longer=limit.longer,
                )


def _windows(count: int) -> list[int]:
    return [*(window for window in WINDOWS if window < count), count] if count else []


def _limits(
    seen: Sequence[Witness], literals: tuple[str, ...], standing: Sequence[Preference]
) -> Iterator[Limit]:
    """The limits that fit, each after a standing one that still does: limits must not move every night."""
    for limit in limits(seen, literals):
        fitting = limit.candidate.checker
        for entry in standing:
            known = from_json(entry.checker or {})
            if type(known) is type(fitting) and _still_fits(known, fitting):
                candidate = Candidate(
                    attribute=entry.attribute, checker=known, statement=entry.statement, blind_to=literals
                )
                yield replace(limit, candidate=candidate)
        yield limit


def _still_fits(known: Checker, fitting: Checker) -> bool:
    match known, fitting:
        case MaxSentences(n=old), MaxSentences(n=new):
            return new <= old <= _LOOSER * new
        case MaxWords(n=old), MaxWords(n=new):
            return new <= old <= _LOOSER * new
        case MinWords(n=old), MinWords(n=new):
            return new >= old >= new / _LOOSER
        case _:
            return False


def _findings(passed: Sequence[Trial], evidence: Sequence[Evidence], reader: Reader) -> Iterator[Finding]:
    """One for each (scope, attribute): the latest stretch decides, then the order of the candidates."""
    chosen: dict[tuple[str, str], Trial] = {}
    everywhere: set[str] = set()
    for each in evidence:
        here = [trial for trial in passed if trial.scope == each.scope]
        for trial in sorted(here, key=lambda one: one.window):  # stable: the order of candidates is kept
            attribute = trial.candidate.attribute
            if attribute in everywhere or (
                each.scope != evidence[0].scope and _holds_outside(trial, evidence[0], reader)
            ):
                continue
            chosen.setdefault((each.scope, attribute), trial)
        if each is evidence[0]:
            everywhere = {attribute for _, attribute in chosen}
    for (scope, attribute), trial in chosen.items():
        if attribute == "length.words" and (scope, "length.sentences") in chosen:
            continue  # one limit is enough, and people count sentences
        yield _finding(trial)


def _holds_outside(trial: Trial, everything: Evidence, reader: Reader) -> bool:
    """Does the effect hold outside the kind as well? Then it is none of the kind alone."""
    inside = {vote.witness.observations[0].conversation for vote in trial.votes}
    outside = [
        witness for witness in everything.witnesses if witness.observations[0].conversation not in inside
    ]
    votes = reader.votes(trial.candidate, outside)
    return len(votes) >= _ELSEWHERE and share_kept(votes) > LARGE_SHARE


def _finding(trial: Trial) -> Finding:
    won, lost = trial.won, trial.lost
    return Finding(
        scope=trial.scope,
        attribute=trial.candidate.attribute,
        checker=trial.candidate.checker.ignore(()),
        statement=within(trial.scope, trial.candidate.statement),
        at=tuple(vote.witness.at for vote in won),
        signals=tuple(dict.fromkeys(signals_of(won))),
        reason=(
            f"{len(won)} of {len(won) + len(lost)} conversations whose answers differ in it speak for it, "
            f"{trial.kept:.0%} of the wanted answers keep it, p = {trial.p:.1g}"
        ),
    )


def signals_of(votes: Iterable[Vote]) -> list[str]:
    return [signal for vote in votes for one in vote.witness.observations for signal in one.signals]


_REQUESTS = {
    "translation": "translations",
    "summary": "summaries",
    "rewrite": "rewriting a text",
    "draft": "drafts of texts",
    "code": "requests for code",
    "ideas": "requests for ideas",
    "maths": "calculations",
    QUESTION: "plain questions",
}


def within(scope: str, statement: str) -> str:
    """The statement with the kind of request that `scope` names before it, unless it has that already."""
    if scope == ALWAYS:
        return statement
    told = f"For {_REQUESTS[scope.partition(':')[2]]}: "
    return statement if statement.startswith(told) else told + statement[:1].lower() + statement[1:]
