"""Acts that disagree: what the user seems to want and not to want in the same days, in no clear order.

Nobody but the user can say which it is, so it is asked and not trained. A change of mind, where one follows
the other, is no conflict: it waits until the newer is clear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from persona.checker import (
    ALWAYS,
    Checker,
    Closing,
    NoClosing,
    NoOpening,
    Opening,
    from_json,
    is_tool_scope,
)
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
    """`checker` is kept in some conversations of the last days and broken in others; `at` are their times.
    `stated`: it is a statement of the user's that acts after it break.
    """

    scope: str
    attribute: str
    checker: Checker
    statement: str
    at: tuple[datetime, ...]
    signals: tuple[str, ...]
    reason: str
    stated: bool = False


def conflicts(
    inference: Inference, standing: Iterable[Preference], reader: Reader, said: Mapping[str, datetime]
) -> list[Conflict]:
    """About what stands, and about literals that take turns; none where something was found.

    `said` is when each statement among the entries was last made: what was done before it says nothing.
    """
    found = {(each.scope, each.attribute): each.checker.to_json() for each in inference.findings}
    entries = [
        entry
        for entry in standing
        if entry.status is PreferenceStatus.ACTIVE
        and (entry.source == "inferred" or entry.id in said)
        and not is_tool_scope(entry.scope)
    ]
    made: dict[tuple[str, str, str], Conflict] = {}
    for evidence in inference.evidence:
        own = [entry for entry in entries if _is_shown_in(evidence, entry, inference)]
        for conflict in (*_broken(evidence, own, reader, said), *_taking_turns(evidence, reader)):
            key = (conflict.scope, conflict.attribute)
            # What was found instead of a statement does not take its place, so it ends no conflict about it.
            if key not in found or (conflict.stated and found[key] != conflict.checker.to_json()):
                made.setdefault((*key, repr(conflict.checker)), conflict)
    return list(made.values())


def _is_shown_in(evidence: Evidence, entry: Preference, inference: Inference) -> bool:
    """Where all requests are of one kind, statements about all requests are broken there."""
    everything = evidence is inference.evidence[0] and entry.source == "stated" and entry.scope == ALWAYS
    return entry.scope == evidence.scope or everything


def _broken(
    evidence: Evidence, entries: Sequence[Preference], reader: Reader, said: Mapping[str, datetime]
) -> Iterator[Conflict]:
    for entry in entries:
        if entry.checker is None:
            continue
        checker = from_json(entry.checker)
        candidate = Candidate(
            attribute=entry.attribute,
            checker=checker,
            statement=entry.statement,
            blind_to=() if isinstance(checker, _EDGES) else evidence.literals,
        )
        since = said.get(entry.id)
        votes = [
            vote
            for vote in _latest(reader.votes(candidate, evidence.witnesses))
            if since is None or vote.witness.at > since
        ]
        kept = [vote.kept is True for vote in votes]
        if min(sum(kept), len(kept) - sum(kept)) >= _FEWEST and switches(kept) >= _SWITCHES:
            how = f"{sum(kept)} of {len(kept)} wanted answers keep it"
            conflict = _conflict(evidence, candidate, votes, how)
            yield replace(conflict, scope=entry.scope, stated=since is not None)


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
        if len(often) > 1 and switches(turns) >= _SWITCHES:
            for rival in often:
                own = [vote for vote, each in shown if each is rival]
                yield _conflict(evidence, rival, own, f"{len(own)} of {len(turns)} wanted answers show it")


def _latest(votes: Sequence[Vote]) -> list[Vote]:
    since = votes[-1].witness.at - timedelta(days=DAYS) if votes else None
    return [vote for vote in votes if since is not None and vote.witness.at >= since]


def switches(turns: Sequence[object]) -> int:
    """How often the next one is another."""
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
