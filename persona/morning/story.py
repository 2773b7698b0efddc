"""All that is to be told about one night, from the store: what was learnt, from what, at what price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from persona.costs import most, total
from persona.report import EvalReport
from persona.visible import one_line
from store import Store
from store.records import DatasetSnapshot, Preference, PreferencePair, Run, RunState, Signal

_OPENING = 80  # characters of a conversation's first line; enough to know it again


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A conversation that something was learnt from; `opening` is how the user began it."""

    conversation: str
    opening: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Learnt:
    """One entry of the ledger that the night trained on. `is_new`: the champion before did not know it."""

    statement: str
    scope: str
    stated: bool
    is_new: bool
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Minutes on the clock without standing still, gigabytes at most, megabytes written; 0 when not known."""

    minutes: float
    paused_minutes: float
    cpu_minutes: float
    peak_gb: float
    written_mb: float
    tries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Morning:
    """`ref` is the revision of the night, `champion` the one in use now; both as people call them.

    `before` names the champion that the night's revision was held against. `offer` says why going back may be
    wise, and `back_to` where to; both empty without a reason.
    """

    run: Run
    ref: str | None
    champion: str
    before: str | None
    report: EvalReport | None
    learnt: Sequence[Learnt]
    examples: Mapping[str, int]
    cost: Cost
    max_drift: float
    offer: str = ""
    back_to: str = ""
    votes: str = ""

    @property
    def headline(self) -> str:
        """One sentence on how the night ended."""
        match self.run.state:
            case RunState.PROMOTED:
                now = "is in use" if self.ref == self.champion else f"was in use; now {self.champion} is"
                return f"{self.ref} learnt from {self._examples()} and {now}"
            case RunState.REJECTED:
                return f"{self.ref} was refused; {self.before or self.champion} stayed in use"
            case RunState.NOTHING_TO_LEARN:
                return "There was nothing to learn"
            case RunState.FAILED:
                return f"The night failed; {self.champion} stays in use"
            case RunState.INTERRUPTED:
                return "The night was interrupted; the next one does it again"
        return "The night is still at work"

    @property
    def promoted(self) -> bool:
        return self.run.state is RunState.PROMOTED

    @property
    def said_alone(self) -> bool:
        """Was it built from wishes, without any example of what you wanted?"""
        return self.ref is not None and bool(self.examples) and not self.examples["train"]

    def _examples(self) -> str:
        if self.said_alone:
            return "what you said"
        conversations = self.examples.get("conversations", 0)
        return f"{self.examples.get('train', 0)} examples in {conversations} conversations"


def tell(
    store: Store,
    run: Run,
    *,
    ref: str | None,
    champion: str,
    before: str | None,
    max_drift: float,
    offer: str = "",
    back_to: str = "",
    votes: str = "",
) -> Morning:
    """The story of `run`; what was forgotten since is not in it. Reads only."""
    snapshot = _snapshot(store, run.snapshot)
    return Morning(
        run=run,
        ref=ref,
        champion=champion,
        before=before,
        report=None if run.report is None else EvalReport.from_json(run.report),
        learnt=() if snapshot is None else _learnt(store, run, snapshot),
        examples={} if snapshot is None else _examples(store, snapshot),
        cost=_cost(run.costs),
        max_drift=max_drift,
        offer=offer,
        back_to=back_to,
        votes=votes,
    )


def _snapshot(store: Store, name: str | None) -> DatasetSnapshot | None:
    return next((each for each in store.snapshots.all() if each.id == name), None)


def _learnt(store: Store, run: Run, snapshot: DatasetSnapshot) -> tuple[Learnt, ...]:
    known = {entry.id for entry in _known_before(store, run)}
    openings = {each.id: each.opening for each in store.interactions.conversations()}
    signals = {signal.id: signal for signal in store.signals.all()}
    found = [
        Learnt(
            statement=entry.statement,
            scope=entry.scope,
            stated=entry.source == "stated",
            is_new=entry.id not in known,
            sources=_sources(store, entry, signals, openings),
        )
        for entry in snapshot.preferences
    ]
    return tuple(sorted(found, key=lambda each: not each.is_new))


def _known_before(store: Store, run: Run) -> Sequence[Preference]:
    """What the last promotion before this run had been trained on."""
    promoted = [
        each
        for each in store.runs.all()
        if each.state is RunState.PROMOTED and each.started_at < run.started_at and each.snapshot
    ]
    snapshot = _snapshot(store, promoted[-1].snapshot) if promoted else None
    return () if snapshot is None else snapshot.preferences


def _sources(
    store: Store, entry: Preference, signals: Mapping[str, Signal], openings: Mapping[str, str]
) -> tuple[Source, ...]:
    conversations: dict[str, None] = {}
    for signal in (signals[name] for name in entry.signals if name in signals):
        conversation = signal.conversation
        if conversation is None and signal.interaction is not None:
            conversation = store.interactions.get(signal.interaction).conversation
        if conversation is not None:
            conversations[conversation] = None
    return tuple(
        Source(conversation=name, opening=one_line(openings.get(name, ""), _OPENING))
        for name in conversations
    )


def _examples(store: Store, snapshot: DatasetSnapshot) -> dict[str, int]:
    train = store.examples.get(snapshot.train)
    return {
        "train": len(train),
        "held_out": len(snapshot.held_out),
        "pairs": sum(isinstance(each, PreferencePair) for each in train),
        "conversations": len({each.conversation for each in train}),
    }


def _cost(costs: Mapping[str, Any]) -> Cost:
    return Cost(
        minutes=(total(costs, "seconds") + total(costs, "lost_seconds")) / 60,
        paused_minutes=total(costs, "paused_seconds") / 60,
        cpu_minutes=total(costs, "cpu_seconds") / 60,
        peak_gb=most(costs, "peak_bytes") / 1e9,
        written_mb=total(costs, "written_bytes") / 1e6,
        tries=int(most(costs, "tries")),
    )
