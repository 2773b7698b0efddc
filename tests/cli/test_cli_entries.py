"""Seeing, editing, pinning, settling and forgetting what is learned, from the command line."""

from __future__ import annotations

import pytest
from cli_parts import AT, Past, Shell, preference

from store.identity import with_id
from store.records import Feedback, FeedbackKind, PreferenceStatus, Run, RunState


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
