"""Acts that disagree: what the user seems to want and not to want in the same days, in no clear order.

Nobody but the user can say which it is, so it is asked and not trained. A change of mind, where one follows
the other, is no conflict: it waits until the newer is clear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from persona.checker import Checker, Closing, NoClosing, NoOpening, Opening, from_json, is_tool_scope
from persona.distill.inference.candidates import Candidate
from persona.distill.inference.infer import Evidence, Inference, signals_of
from persona.distill.inference.trial import Reader, Vote
from store.records import Preference, PreferenceStatus

DAYS = 21  # before the latest act: what is further apart has an order
_FEWEST = 4  # conversations on either side
_EDGES = (Opening, Closing, NoOpening, NoClosing)
_SWITCHES = 3  # from one to the other: one is a change of mind, two may be a slip


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """`checker` is kept in some conversations of the last days and broken in others; `at` are their times."""

    scope: str
    attribute: str
    checker: Checker
    statement: str
    at: tuple[datetime, ...]
    signals: tuple[str, ...]
    reason: str


def conflicts(inference: Inference, standing: Iterable[Preference], reader: Reader) -> list[Conflict]:
    """About what stands by inference, and about literals that take turns; none where something was found."""
    found = {(each.scope, each.attribute) for each in inference.findings}
    entries = [entry for entry in standing if entry.source == "inferred" and not is_tool_scope(entry.scope)]
    made: dict[tuple[str, str, str], Conflict] = {}
    for evidence in inference.evidence:
        for conflict in (*_broken(evidence, entries, reader), *_taking_turns(evidence, reader)):
            if (conflict.scope, conflict.attribute) not in found:
                made.setdefault((conflict.scope, conflict.attribute, repr(conflict.checker)), conflict)
    return list(made.values())


def _broken(evidence: Evidence, entries: Sequence[Preference], reader: Reader) -> Iterator[Conflict]:
    for entry in entries:
        if (
            entry.scope != evidence.scope
            or entry.checker is None
            or entry.status is not PreferenceStatus.ACTIVE
        ):
            continue
        checker = from_json(entry.checker)
        candidate = Candidate(
            attribute=entry.attribute,
            checker=checker,
            statement=entry.statement,
            blind_to=() if isinstance(checker, _EDGES) else evidence.literals,
        )
        votes = _latest(reader.votes(candidate, evidence.witnesses))
        kept = [vote.kept is True for vote in votes]
        if min(sum(kept), len(kept) - sum(kept)) >= _FEWEST and _switches(kept) >= _SWITCHES:
            yield _conflict(evidence, candidate, votes, f"{sum(kept)} of {len(kept)} wanted answers keep it")


def _taking_turns(evidence: Evidence, reader: Reader) -> Iterator[Conflict]:
    for edge in (Closing, Opening):
        rivals = [each for each in evidence.candidates if isinstance(each.checker, edge)]
        shown: list[tuple[Vote, Candidate]] = []
        for rival in rivals:
            shown += [(vote, rival) for vote in _latest(reader.votes(rival, evidence.witnesses)) if vote.kept]
        shown.sort(key=lambda each: (each[0].witness.at, each[1].statement))
        counts = Counter(rival.statement for _, rival in shown)
        often = [rival for rival in rivals if counts[rival.statement] >= _FEWEST]
        turns = [rival.statement for _, rival in shown if rival in often]
        if len(often) > 1 and _switches(turns) >= _SWITCHES:
            for rival in often:
                own = [vote for vote, each in shown if each is rival]
                yield _conflict(evidence, rival, own, f"{len(own)} of {len(turns)} wanted answers show it")


def _latest(votes: Sequence[Vote]) -> list[Vote]:
    since = votes[-1].witness.at - timedelta(days=DAYS) if votes else None
    return [vote for vote in votes if since is not None and vote.witness.at >= since]


def _switches(turns: Sequence[object]) -> int:
    return sum(one != other for one, other in pairwise(turns))


def _conflict(evidence: Evidence, candidate: Candidate, votes: Sequence[Vote], how: str) -> Conflict:
    return Conflict(
        scope=evidence.scope,
        attribute=candidate.attribute,
        checker=candidate.checker.ignore(()),
        statement=candidate.statement,
        at=tuple(vote.witness.at for vote in votes),
        signals=tuple(dict.fromkeys(signals_of(vote for vote in votes if vote.kept))),
        reason=f"{how}, now this and now that within {DAYS} days",
    )
