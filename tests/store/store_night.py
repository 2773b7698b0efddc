"""A store with one of everything, linked as a night links it."""

from __future__ import annotations

from dataclasses import dataclass

from store_facts import (
    AT,
    answer,
    ask,
    conversation,
    demonstration,
    later,
    preference,
    signal,
    snapshot,
)

from store import Act, Store
from store.records import (
    DatasetSnapshot,
    Demonstration,
    FeedbackKind,
    Interaction,
    LedgerEvent,
    Preference,
    PreferenceStatus,
    Run,
    RunState,
    Signal,
    Split,
)

SECRET = "xyzzy"  # stands in everything that comes from conversation c-secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    secret: Interaction
    plain: Interaction
    secret_signal: Signal
    plain_signal: Signal
    secret_entry: Preference
    plain_entry: Preference
    secret_example: Demonstration
    plain_example: Demonstration
    snapshot: DatasetSnapshot


def one_night(store: Store) -> Night:
    """Two conversations, c-secret and c-plain: stated in, mined, recorded, compiled, frozen and built."""
    with store.transaction():
        return _one_night(store)


def _one_night(store: Store) -> Night:
    for name, word in [("c-secret", SECRET), ("c-plain", "word")]:
        store.interactions.add_conversation(
            conversation(
                name,
                ask(f"What is {word}?"),
                answer(f"{word} is long.", Act(kind=FeedbackKind.EDIT, content=f"{word}!"), revision="rev-0"),
                ask("And now?"),
                answer(f"Again {word}."),
                tools=({"type": "function", "function": {"name": word}},),
                statements=(f"Say {word}.",),
            )
        )
    secret, plain = (next(store.interactions.all(conversation=name)) for name in ["c-secret", "c-plain"])
    (secret_edit,) = store.feedback.all(interaction=secret.id)
    secret_signal = signal(f"quotes {SECRET}", interaction=secret.id, feedback=secret_edit.id)
    plain_signal = signal("quotes word", interaction=plain.id, conversation="c-plain")
    store.signals.add([secret_signal, plain_signal])
    secret_entry = preference(f"Say {SECRET}", attribute="secret", signals=(secret_signal.id,))
    plain_entry = preference("Say word", signals=(plain_signal.id,))
    for entry in [secret_entry, plain_entry]:
        store.ledger.record(entry, reason="mined")
    store.ledger.append(
        LedgerEvent(preference=plain_entry.id, at=later(1), status=PreferenceStatus.ACTIVE, reason="sure")
    )
    secret_example = demonstration(SECRET, conversation="c-secret", signals=(secret_signal.id,))
    plain_example = demonstration("word", conversation="c-plain", preferences=(plain_entry.id,))
    store.examples.add([secret_example, plain_example])
    frozen = snapshot(
        train=(secret_example.id,), held_out=(plain_example.id,), preferences=(secret_entry, plain_entry)
    )
    store.snapshots.freeze(frozen)
    store.snapshots.assign("c-other", Split.TRAIN)
    store.runs.start(Run(id="n-1", started_at=AT, state=RunState.STARTED))
    store.runs.finish(
        "n-1",
        state=RunState.PROMOTED,
        ended_at=later(9),
        snapshot=frozen.id,
        revision="rev-1",
        report={"sample": f"It said {SECRET}."},
    )
    return Night(
        secret=secret,
        plain=plain,
        secret_signal=secret_signal,
        plain_signal=plain_signal,
        secret_entry=secret_entry,
        plain_entry=plain_entry,
        secret_example=secret_example,
        plain_example=plain_example,
        snapshot=frozen,
    )
