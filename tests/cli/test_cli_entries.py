"""Seeing, editing, pinning, settling and forgetting what is learned, from the command line."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cli_parts import AT, Past, Shell, give_a_past, preference

from adapters import failpoint
from persona.answers import forgetting
from persona.notebook import Notebook
from persona.paths import Home
from store import Forgotten, Store
from store.identity import with_id
from store.records import (
    Feedback,
    FeedbackKind,
    Interaction,
    Message,
    PreferenceStatus,
    Run,
    RunState,
)


@pytest.fixture
def made(shell: Shell) -> Shell:
    shell.persona().create()
    return shell


def stated(shell: Shell, text: str) -> str:
    shell.run("prefer", text)
    return next(
        entry["id"]
        for entry in shell.run("preferences", "--json").json["preferences"]
        if entry["statement"] == text
    )


def contested(shell: Shell, *closings: str) -> list[str]:
    with shell.store() as store:
        ids = []
        for closing in closings:
            entry = preference(f"End with {closing}", attribute="closing")
            entry = with_id(
                type(entry)(
                    **{
                        **{name: getattr(entry, name) for name in entry.__dataclass_fields__},
                        "source": "inferred",
                        "status": PreferenceStatus.CONTESTED,
                    }
                )
            )
            store.ledger.record(entry, reason="now this and now that")
            ids.append(entry.id)
        return ids


def test_show_tells_what_an_entry_rests_on(made: Shell) -> None:
    """Its history and the user's own words."""
    entry = stated(made, "Answer in at most two sentences.")
    ran = made.run("preferences", "show", entry)
    assert 0 == ran.code
    assert "stated" in ran.out
    found = made.run("preferences", "show", entry, "--json").json
    assert [("stated", "Answer in at most two sentences.")] == [
        (each["detector"], each["quote"]) for each in found["evidence"]
    ]
    assert ["active"] == [event["status"] for event in found["history"]]
    assert 2 == made.run("preferences", "show", "p-none").code


def test_edit_says_it_in_the_users_words(made: Shell) -> None:
    """The old entry steps back, also where the new words are about something else."""
    entry = stated(made, "Answer in at most two sentences.")
    found = made.run("preferences", "edit", entry, "Answer in at most 40 words.", "--json").json
    assert ["Answer in at most 40 words."] == [each["statement"] for each in found["preferences"]]
    active = made.run("preferences", "--json").json["preferences"]
    assert ["Answer in at most 40 words."] == [each["statement"] for each in active]
    assert "superseded" == made.run("preferences", "show", entry, "--json").json["status"]
    assert 2 == made.run("preferences", "edit", entry, " ").code


def test_pin_and_unpin(made: Shell) -> None:
    """It shows in the list, and nothing else about the entry changes."""
    entry = stated(made, "No emoji")
    assert made.run("preferences", "pin", entry, "--json").json["preference"]["pinned"]
    assert "active, pinned" in made.run("preferences").out
    assert not made.run("preferences", "unpin", entry, "--json").json["preference"]["pinned"]
    assert 2 == made.run("preferences", "pin", contested(made, "A")[0]).code


def test_what_is_unclear_is_asked_and_settled(made: Shell) -> None:
    """The list shows it with the question; settling makes one active and pinned, and the other steps back."""
    one, other = contested(made, "A", "B")
    ran = made.run("preferences")
    assert f"persona preferences settle {one}" in ran.err
    listed = made.run("preferences", "--json").json["preferences"]
    assert all("question" in entry for entry in listed)
    settled = made.run("preferences", "settle", other, "--json").json["preference"]
    assert ("active", True) == (settled["status"], settled["pinned"])
    assert "superseded" == made.run("preferences", "show", one, "--json").json["status"]
    assert 2 == made.run("preferences", "settle", other).code


def test_what_is_said_to_and_fro_is_asked_and_answered(made: Shell) -> None:
    """Statements that take turns are unclear, also where an edit makes them so; saying one ends it."""
    for text in ("End with “A”", "End with “B”"):
        made.run("prefer", text)
    edited = made.run("preferences", "edit", stated(made, "End with “B”"), "End with “A”")
    assert "is unclear" in edited.err
    listed = made.run("preferences", "--json").json["preferences"]
    assert {"End with “A”": True, "End with “B”": True} == {
        entry["statement"]: "question" in entry and "contested" == entry["status"] for entry in listed
    }
    assert "the user said which" in made.run("prefer", "End with “B”").out
    (entry,) = made.run("preferences", "--json").json["preferences"]
    assert ("End with “B”", "active") == (entry["statement"], entry["status"])


def test_a_dry_run_lists_what_would_fall(made: Shell) -> None:
    """And changes nothing; the real one deletes it, statement and all."""
    entry = stated(made, "No emoji")
    ran = made.run("forget", "--preference", entry, "--dry-run")
    assert f"preference would go: No emoji ({entry})" in ran.out
    assert "the next night rebuilds without it" in ran.err
    assert 1 == len(made.run("preferences", "--json").json["preferences"])
    found = made.run("forget", "--preference", entry, "--json").json
    assert (1, 1) == (found["forgotten"]["preferences"], found["forgotten"]["feedback"])
    assert [] == made.run("preferences", "--json").json["preferences"]
    with made.store() as store:
        assert [] == store.feedback.all()


def test_forgetting_names_the_revisions_that_learned_from_it(shell: Shell, past: Past) -> None:
    """They go with it, and the base answers until the next night."""
    entry = past.new.preferences[0].id
    dry = shell.run("forget", "--preference", entry, "--dry-run", "--json").json
    assert ["r1", "r2"] == sorted(dry["falling"]["revisions"])
    assert None is dry["forgotten"]
    ran = shell.run("forget", "--preference", entry)
    assert "revisions gone, since they learned from it: r" in ran.out
    assert "preferences gone: 1\n" in ran.out
    assert "r0 answers; the next night rebuilds without it" in ran.out


class CutOffError(BaseException):
    """The process ends here."""


@dataclass
class Ending:
    """Lets a number of steps pass and none after them."""

    left: int

    def __call__(self, step: str) -> None:
        if not self.left:
            raise CutOffError(step)
        self.left -= 1


def test_forgetting_that_was_cut_off_is_asked_for_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it ended: the second time leaves neither what was said nor the files that learned from it."""
    first = Shell(tmp_path / "first")
    entry = give_a_past(first).new.preferences[0].id
    forget = Store.forget

    def last_step(store: Store, **what: Any) -> Forgotten:
        failpoint.reach("store.forget")
        return forget(store, **what)

    monkeypatch.setattr(Store, "forget", last_step)
    for steps in count():
        shell = Shell(tmp_path / str(steps))
        shutil.copytree(first.root, shell.root)
        with failpoint.armed(Ending(steps)), suppress(CutOffError), shell.persona() as persona:
            forgetting.forget(persona, preference=entry)
            break
        again = shell.run("forget", "--preference", entry)

        assert (0, True) == (again.code, "revisions gone, since they learned from it: r" in again.out), steps
        adapters = Home(shell.root).identity("me").adapters
        assert [] == list(adapters.rglob("adapter_model.safetensors")), steps
        assert "r0" == shell.registry().champion(), steps
    assert steps > 5


def test_what_nights_left_goes_too(made: Shell) -> None:
    """A log may quote what was said; a night that was cut off gets its end before its files go."""
    entry = stated(made, "No emoji")
    left = made.root / "runs" / "20261101t210400-abcdef"
    left.mkdir(parents=True)
    (left / "train.log").write_text("KeyError: 'No emoji'")
    (left / "job.json").write_text("{}")
    with made.store() as store:
        store.runs.start(Run(id=left.name, started_at=AT, state=RunState.STARTED))
    made.run("forget", "--preference", entry, "--dry-run")
    assert left.exists()

    assert 0 == made.run("forget", "--preference", entry).code
    assert [] == list((made.root / "runs").iterdir())
    with made.store() as store:
        assert [RunState.INTERRUPTED] == [run.state for run in store.runs.all()]


def test_one_thing_is_forgotten_at_a_time(made: Shell) -> None:
    """None, two or an unknown one is a wrong command."""
    assert 2 == made.run("forget").code
    assert 2 == made.run("forget", "--conversation", "c-1", "--interaction", "i-1").code
    assert 2 == made.run("forget", "--conversation", "c-none", "--dry-run").code


def test_forgetting_the_conversation_of_a_statement_takes_the_entry(made: Shell) -> None:
    """Edits elsewhere support it, and still: nobody states it any more."""
    with made.store() as store:
        said = Feedback(id="", kind=FeedbackKind.PREFERENCE, at=AT, conversation="c-1", content="No emoji")
        store.feedback.add(with_id(said))
    made.run("prefer", "No headings")
    assert 2 == len(made.run("preferences", "--json").json["preferences"])
    made.run("forget", "--conversation", "c-1")
    assert ["No headings"] == [
        entry["statement"] for entry in made.run("preferences", "--json").json["preferences"]
    ]


def test_habits_show_how_tools_are_used(shell: Shell, past: Past) -> None:
    """Beside the entries; a home without calls shows none."""
    found = shell.run("habits", "--json").json
    assert ["Weather in metric units."] == [entry["statement"] for entry in found["habits"]]
    assert [] == found["usage"]


@pytest.fixture
def book(made: Shell) -> Notebook:
    """What the chat on the whole terminal noted here."""
    return Notebook(Home(made.root).identity("me").notes)


def talked(shell: Shell, conversation: str, *said: str) -> list[Interaction]:
    """Each of these was asked and answered, one behind the other."""
    before: tuple[Message, ...] = ()
    kept = []
    with shell.store() as store:
        for text in said:
            asked = Message(role="user", content=text)
            answer = Message(role="assistant", content=f"{text}!")
            kept.append(
                with_id(
                    Interaction(
                        id="",
                        conversation=conversation,
                        at=AT,
                        source="persona",
                        prompt=(*before, asked),
                        completion=answer,
                    )
                )
            )
            before = (*before, asked, answer)
            store.interactions.add(kept[-1])
    return kept


def test_what_the_chat_noted_is_forgotten_too(made: Shell, book: Notebook) -> None:
    """Prompts, what was said behind a command, the title, the draft, and what was half written in place of an
    answer; nothing of another conversation, and no byte of it is left in the file."""
    (secret,) = talked(made, "c-1", "the secret garden")
    talked(made, "c-2", "the open field")
    for prompt in ("the secret garden", "/ab the secret garden", "/rename Hidden plans", "the open field"):
        book.sent(prompt)
    book.rename("c-1", "Hidden plans")
    book.rename("c-2", "Fields")
    book.keep_draft("more of the secret", "c-1")
    book.keep_draft("more of the field", "c-2")
    book.keep_draft("a new thought")
    book.keep_draft("half a secret", f"better:{secret.id}")

    assert 0 == made.run("forget", "--conversation", "c-1").code

    assert ["the open field"] == book.prompts()
    assert {"c-2": "Fields"} == book.titles()
    assert ("", "") == (book.draft("c-1"), book.draft(f"better:{secret.id}"))
    assert ("more of the field", "a new thought") == (book.draft("c-2"), book.draft())
    written = Home(made.root).identity("me").notes.read_bytes()
    assert [] == [word for word in (b"secret", b"Hidden") if word in written]


def test_one_answer_takes_its_own_notes_alone(made: Shell, book: Notebook) -> None:
    """And those of what followed it; the conversation keeps its title while something of it is left."""
    _, second = talked(made, "c-1", "first thing", "second thing")
    for prompt in ("first thing", "second thing"):
        book.sent(prompt)
    book.rename("c-1", "Things")

    assert 0 == made.run("forget", "--interaction", second.id).code
    assert (["first thing"], {"c-1": "Things"}) == (book.prompts(), book.titles())


def test_a_preference_takes_the_line_that_stated_it(made: Shell, book: Notebook) -> None:
    """Whatever stood in front of it."""
    entry = stated(made, "Answer in at most two sentences.")
    book.sent("/prefer Answer in at most two sentences.")

    assert 0 == made.run("forget", "--preference", entry).code
    assert [] == book.prompts()


def test_what_is_tried_forgets_no_notes(made: Shell, book: Notebook) -> None:
    """--dry-run; and a home without a chat gets no notes from it."""
    talked(made, "c-1", "first thing")
    book.sent("first thing")

    assert 0 == made.run("forget", "--conversation", "c-1", "--dry-run").code
    assert ["first thing"] == book.prompts()
    notes = Home(made.root).identity("me").notes
    notes.unlink()
    assert 0 == made.run("forget", "--conversation", "c-1").code
    assert not notes.exists()


def test_notes_that_are_damaged_are_named(made: Shell) -> None:
    """Nothing is forgotten by halves: the file is said, and the conversation is there."""
    talked(made, "c-1", "first thing")
    Home(made.root).identity("me").notes.write_bytes(b"no database at all, but long enough" * 100)

    ran = made.run("forget", "--conversation", "c-1")

    assert 5 == ran.code
    assert "chat.db" in ran.err
    with made.store() as store:
        assert 1 == store.interactions.count()
