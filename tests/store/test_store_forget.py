"""Forgetting: gone from every table, every index and every page, and nothing else is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from store_facts import (
    AT,
    answer,
    ask,
    conversation,
    conversations,
    demonstration,
    later,
    preference,
    scratch_store,
    signal,
    snapshot,
)
from store_night import SECRET, one_night

import store.database as database_module
from store import Added, Conversation, Forgotten, Store
from store.errors import UnknownId
from store.identity import with_id
from store.records import FeedbackKind, LedgerEvent, Preference, PreferenceStatus, Signal

SUPERSEDED = PreferenceStatus.SUPERSEDED


def bytes_beside(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_conversation_leaves_no_trace(path: Path, journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words, their signals, entries, examples, snapshots and reports; not a byte of it in any file."""
    monkeypatch.setattr(database_module, "journal_mode", lambda version: journal)
    with Store.open(path) as store:
        night = one_night(store)
        assert SECRET.encode() in bytes_beside(path)
        forgotten = store.forget(at=later(60), conversations=["c-secret"])
        assert (
            Forgotten(
                interactions=2,
                messages=4,
                feedback=2,
                signals=1,
                preferences=1,
                examples=1,
                snapshots=(night.snapshot.id,),
                revisions=("rev-1",),
            )
            == forgotten
        )
        assert SECRET.encode() not in bytes_beside(path)
        assert [] == store.verify()
        assert [] == store.interactions.search(SECRET)
    assert SECRET.encode() not in bytes_beside(path)


def test_the_rest_stands(store: Store) -> None:
    """What came from the other conversation is as it was, but for the snapshot that held both."""
    night = one_night(store)
    store.forget(at=later(60), conversations=["c-secret"])
    assert night.plain in list(store.interactions.all())
    assert 2 == store.interactions.count()
    assert 2 == len(store.feedback.all(conversation="c-plain"))
    assert [night.plain_signal] == store.signals.all()
    assert [night.plain_entry] == store.ledger.all()
    assert [night.plain_example] == store.examples.all()
    assert [] == store.snapshots.all()
    assert {"c-plain", "c-other"} == set(store.snapshots.splits())
    run = store.runs.get("n-1")
    assert (night.snapshot.id, "rev-1", None) == (run.snapshot, run.revision, run.report)
    assert 1 == len(store.interactions.search("long"))


def test_forgotten_conversation_may_come_back(store: Store) -> None:
    """Importing it again is importing it for the first time."""
    talk = conversation("c-1", ask("a"), answer("b"), statements=("Be short.",))
    first = store.interactions.add_conversation(talk)
    store.forget(at=later(1), conversations=["c-1"])
    assert first == store.interactions.add_conversation(talk) != Added()
    assert [] == store.verify()


def test_interaction_goes_with_what_continues_it(store: Store) -> None:
    """Later prompts hold its words; earlier turns and other branches stay."""
    stem = [ask("a"), answer("b")]
    store.interactions.add_conversation(
        conversation("c-1", *stem, ask("c"), answer("d"), ask("e"), answer("f"))
    )
    store.interactions.add_conversation(
        conversation("c-1", *stem, ask("other"), answer("branch"), ask("tail"))
    )
    first, *_ = store.interactions.all()
    gone = next(each for each in store.interactions.all() if each.completion.content == "d")
    forgotten = store.forget(at=later(1), interactions=[gone.id])
    assert (2, 4) == (forgotten.interactions, forgotten.messages)
    assert {"b", "branch"} == {each.completion.content for each in store.interactions.all()}
    assert first == store.interactions.get(first.id)
    assert ["tail"] == [hit.excerpt for hit in store.interactions.search("tail")]
    assert [] == store.verify()


def test_shared_opening_stays_with_the_other(store: Store) -> None:
    """Words that two conversations share are gone only when both are."""
    for name in ["c-1", "c-2"]:
        store.interactions.add_conversation(conversation(name, ask("same"), answer("alike")))
    assert 0 == store.forget(at=later(1), conversations=["c-1"]).messages
    assert ["c-2"] == [hit.conversation for hit in store.interactions.search("same")]
    assert 2 == store.forget(at=later(1), conversations=["c-2"]).messages


def test_examples_of_the_conversation_go(store: Store) -> None:
    """An example without signals cannot prove that it is innocent: distilling makes it again if it is."""
    night = one_night(store)
    plain = demonstration("kept", conversation="c-elsewhere")
    untraced = demonstration("untraced", conversation="c-secret")
    store.examples.add([plain, untraced])
    store.forget(at=later(1), interactions=[night.secret.id])
    assert {plain.id, night.plain_example.id} == {each.id for each in store.examples.all()}


def test_conversation_without_answers_goes_too(store: Store) -> None:
    """One in which a preference was stated and nothing answered."""
    store.interactions.add_conversation(conversation("c-1", ask("hm"), statements=("Be short.",)))
    store.examples.add([demonstration(conversation="c-1")])
    forgotten = store.forget(at=later(1), conversations=["c-1"])
    assert (0, 1, 1, 1) == (
        forgotten.interactions,
        forgotten.messages,
        forgotten.feedback,
        forgotten.examples,
    )
    assert ([], []) == (store.feedback.all(), store.examples.all())


def supported(store: Store, name: str, detector: str, conversation: str) -> Signal:
    """One more signal of this detector, mined from what stands in the conversation."""
    (interaction, *_) = store.interactions.all(conversation=conversation)
    found = with_id(replace(signal(name, interaction=interaction.id), detector=detector))
    store.signals.add([found])
    return found


def recorded(store: Store, source: Literal["stated", "inferred"], *evidence: Signal) -> Preference:
    entry = with_id(
        replace(
            preference("Be short", attribute="brief"),
            source=source,
            signals=tuple(each.id for each in evidence),
        )
    )
    store.ledger.record(entry, reason="mined")
    return entry


def test_stated_entry_stays_while_it_is_stated_elsewhere(store: Store) -> None:
    """It loses the forgotten signals and keeps the rest."""
    one_night(store)
    gone, kept = (
        supported(store, name, "stated", conversation)
        for name, conversation in [("one", "c-secret"), ("two", "c-plain")]
    )
    entry = recorded(store, "stated", gone, kept)
    store.forget(at=later(60), conversations=["c-secret"])
    assert (kept.id,) == store.ledger.get(entry.id).signals
    assert [] == store.verify()


def test_stated_entry_falls_with_its_last_statement(store: Store) -> None:
    """Edits that support it are no statement: they may show it again, as something inferred."""
    one_night(store)
    said = supported(store, "said", "stated", "c-secret")
    edits = [supported(store, f"edit {n}", "edit", "c-plain") for n in range(3)]
    entry = recorded(store, "stated", said, *edits)
    assert entry.id in store.foresee(conversations=["c-secret"]).preferences
    store.forget(at=later(60), conversations=["c-secret"])
    assert entry.id not in [each.id for each in store.ledger.all()]
    assert {each.id for each in edits} <= {each.id for each in store.signals.all()}
    assert [] == store.verify()


@pytest.mark.parametrize(
    ("status", "pinned", "stays"),
    [
        (PreferenceStatus.ACTIVE, None, False),
        (PreferenceStatus.CONTESTED, None, False),
        (PreferenceStatus.ACTIVE, True, True),
        (PreferenceStatus.RETIRED, None, True),
    ],
)
def test_inferred_entry_falls_with_any_of_its_evidence(
    store: Store, status: PreferenceStatus, pinned: bool | None, stays: bool
) -> None:
    """It was inferred from all of it; what the user decided about it stays while anything is left."""
    one_night(store)
    evidence = [supported(store, f"edit in {name}", "edit", name) for name in ("c-secret", "c-plain")]
    entry = recorded(store, "inferred", *evidence)
    store.ledger.append(
        LedgerEvent(preference=entry.id, at=later(3), status=status, reason="so", pinned=pinned)
    )
    store.forget(at=later(60), conversations=["c-secret"])
    assert stays == (entry.id in [each.id for each in store.ledger.all()])
    store.forget(at=later(61), conversations=["c-plain"])
    assert entry.id not in [each.id for each in store.ledger.all()]
    assert [] == store.verify()


def test_what_would_fall_is_what_falls(store: Store) -> None:
    """Foreseeing changes nothing, and names what forgetting then deletes."""
    night = one_night(store)
    before = store.interactions.count()
    falling = store.foresee(conversations=["c-secret"])
    assert before == store.interactions.count()
    assert [night.secret_entry.id] == falling.preferences
    forgotten = store.forget(at=later(60), conversations=["c-secret"])
    assert (len(falling.interactions), len(falling.examples), falling.snapshots, falling.revisions) == (
        forgotten.interactions,
        forgotten.examples,
        list(forgotten.snapshots),
        list(forgotten.revisions),
    )


def test_entry_goes_with_the_statements_behind_it(store: Store) -> None:
    """And with the examples and snapshots made for it; what was said in conversations stays."""
    night = one_night(store)
    (stated,) = store.feedback.all(conversation="c-plain", kind=FeedbackKind.PREFERENCE)
    mined = signal("stated", feedback=stated.id)
    store.signals.add([mined])
    store.ledger.sight(night.plain_entry.id, [mined.id], later(1))
    forgotten = store.forget(at=later(60), preferences=[night.plain_entry.id])
    assert (0, 1, 1, 1, 1) == (
        forgotten.interactions,
        forgotten.feedback,
        forgotten.signals,
        forgotten.preferences,
        forgotten.examples,
    )  # fmt: skip
    assert (night.snapshot.id,) == forgotten.snapshots
    assert [night.secret_entry] == store.ledger.all()
    assert night.plain_signal in store.signals.all()
    assert [] == store.verify()


def superseded(store: Store, entry: Preference, by: Preference, minute: int) -> None:
    with store.transaction():
        store.ledger.append(
            LedgerEvent(preference=entry.id, at=later(minute), status=SUPERSEDED, reason="changed", by=by.id)
        )
        store.ledger.record(by, reason="seen")


def test_what_was_superseded_takes_its_place_again(store: Store) -> None:
    """As if the forgotten entry had never been."""
    old, new = preference("old"), preference("new")
    store.ledger.record(old, reason="seen")
    superseded(store, old, new, 1)
    store.forget(at=later(60), preferences=[new.id])
    assert [old] == store.ledger.active()
    assert ["active", "superseded", "active"] == [str(each.status) for each in store.ledger.history(old.id)]
    assert [] == store.verify()


def test_one_place_is_taken_by_one(store: Store) -> None:
    """The latest of several, or the one that came after the forgotten: the others name it as successor."""
    one, two, three, four = (preference(name) for name in ["one", "two", "three", "four"])
    store.ledger.record(one, reason="seen")
    superseded(store, one, two, 1)
    superseded(store, two, three, 2)
    superseded(store, three, four, 3)
    store.forget(at=later(60), preferences=[three.id])
    assert [(one.id, two.id), (two.id, four.id), (four.id, None)] == [
        (each.id, each.superseded_by) for each in store.ledger.all()
    ]
    store.forget(at=later(61), preferences=[two.id, four.id])
    assert [one] == store.ledger.all()
    assert [] == store.verify()


def test_latest_of_several_takes_the_place(store: Store) -> None:
    """Two entries stepped back for the forgotten one: the later is active again, and succeeds the other."""
    early, late = preference("early"), preference("late")
    forgotten = preference("forgotten", status=PreferenceStatus.CONTESTED)
    store.ledger.record(forgotten, reason="seen")
    for entry in [early, late]:
        store.ledger.record(entry, reason="seen")
        store.ledger.append(
            LedgerEvent(
                preference=entry.id, at=later(1), status=SUPERSEDED, reason="changed", by=forgotten.id
            )
        )
    store.forget(at=later(60), preferences=[forgotten.id])
    assert [late] == store.ledger.active()
    assert late.id == store.ledger.get(early.id).superseded_by
    assert [] == store.verify()


@pytest.mark.parametrize(
    "unknown",
    [{"conversations": ["c-plain", "c-none"]}, {"interactions": ["i-none"]}, {"preferences": ["p-none"]}],
)
def test_unknown_names_are_refused_before_anything_goes(store: Store, unknown: dict[str, list[str]]) -> None:
    """All or nothing."""
    one_night(store)
    with pytest.raises(UnknownId, match="none"):
        store.forget(at=AT, **{"conversations": ["c-plain"], **unknown})  # type: ignore[arg-type]
    assert 4 == store.interactions.count()


def test_snapshot_without_the_forgotten_stays(store: Store) -> None:
    """Only what holds it goes."""
    night = one_night(store)
    clean = snapshot(held_out=(night.plain_example.id,), preferences=(night.plain_entry,))
    store.snapshots.freeze(clean)
    store.forget(at=later(60), conversations=["c-secret"])
    assert [clean] == store.snapshots.all()


@settings(max_examples=20, deadline=None)
@given(conversations(), conversations())
def test_forgetting_is_never_having_known(kept: Conversation, gone: Conversation) -> None:
    """After forgetting one of two conversations the store holds what it would hold without it."""
    gone = Conversation(
        id=gone.id + "/gone", at=gone.at, source=gone.source, turns=gone.turns, tools=gone.tools,
        statements=(*gone.statements, "Forget me."),
    )  # fmt: skip
    with scratch_store() as store, scratch_store() as other:
        for each in [gone, kept]:
            store.interactions.add_conversation(each)
        store.forget(at=AT, conversations=[gone.id])
        other.interactions.add_conversation(kept)
        assert list(other.interactions.all()) == list(store.interactions.all())
        assert other.feedback.all() == store.feedback.all()
        for table in ["messages", "said", "tool_sets"]:
            count = f"SELECT count(*) FROM {table}"
            assert other.database.value(count) == store.database.value(count)
        assert [] == store.verify()


def test_names_of_the_forgotten_are_free(store: Store) -> None:
    """An entry that was forgotten can be recorded anew."""
    entry = with_id(preference("again"))
    store.ledger.record(entry, reason="seen")
    store.forget(at=AT, preferences=[entry.id])
    assert store.ledger.record(entry, reason="seen again")
