"""What goes into learning, from the command line."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Past, Shell, report

from persona.errors import BrokenNumerics
from persona.nightly import Night, NightResult
from store.records import PreferenceStatus, RunState

CONVERSATION = {
    "id": "c-1",
    "at": "2026-11-01T21:04:00Z",
    "messages": [
        {"role": "user", "content": "Why is the sky blue?"},
        {"role": "assistant", "content": "Because of scattering.", "feedback": [{"kind": "up"}]},
    ],
    "preferences": [{"statement": "Answer in at most two sentences."}],
}


@pytest.fixture
def made(shell: Shell) -> Shell:
    """A home with nothing in it."""
    shell.persona().create()
    return shell


def lines(folder: Path, *found: object) -> Path:
    file = folder / "talks.jsonl"
    file.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in found))
    return file


def test_import_is_idempotent(made: Shell, tmp_path: Path) -> None:
    """The second time everything is there already, and nothing is added."""
    file = lines(tmp_path, CONVERSATION)

    first, second = (made.run("import", str(file), "--json").json["files"][0] for _ in range(2))

    assert (1, 1, 1, 1) == (
        first["conversations"],
        first["interactions"],
        first["feedback"],
        first["statements"],
    )
    assert (1, 0, 0, 0) == (
        second["conversations"],
        second["interactions"],
        second["feedback"],
        second["statements"],
    )


def test_imported_statements_show_at_once(made: Shell, tmp_path: Path) -> None:
    """What was stated in an imported conversation is in the ledger before any night."""
    made.run("import", str(lines(tmp_path, CONVERSATION)))

    found = made.run("preferences", "--json").json["preferences"]

    assert ["Answer in at most two sentences."] == [entry["statement"] for entry in found]


def test_lines_that_do_not_fit(made: Shell, tmp_path: Path) -> None:
    """They are named with file and number and skipped; the rest is in, and the exit code is 3."""
    file = lines(tmp_path, CONVERSATION, "{nonsense", {**CONVERSATION, "id": "c-2", "at": "yesterday"})

    ran = made.run("import", str(file))

    assert 3 == ran.code
    assert [f"{file}:2", f"{file}:3"] == [
        line.rsplit(": ", 2)[0][: len(f"{file}:2")] for line in ran.err.splitlines()[1:3]
    ]
    assert "persona: 2 lines skipped, the rest is in" in ran.err
    assert ran.out.startswith(f"{file}: 1 conversations")


def test_files_that_are_not_there(made: Shell, tmp_path: Path) -> None:
    """A wrong path is exit code 2; an unknown format too."""
    assert 2 == made.run("import", str(tmp_path / "none.jsonl")).code
    ran = made.run("import", str(lines(tmp_path, CONVERSATION)), "--format", "chatgpt")
    assert (2, "persona: format 'chatgpt' is not known: persona is\n") == (ran.code, ran.err)


def test_one_file_that_is_not_there_keeps_all_of_them_out(made: Shell, tmp_path: Path) -> None:
    """Nothing is taken in by halves, whatever stands before the typing error."""
    ran = made.run("import", str(lines(tmp_path, CONVERSATION)), str(tmp_path / "typo.jsonl"))

    assert 2 == ran.code
    assert "typo.jsonl cannot be read" in ran.err
    with made.store() as store:
        assert 0 == store.interactions.count()


def test_a_pipe_is_read_once(made: Shell, tmp_path: Path) -> None:
    """It is not opened before its turn comes: who writes into it would be left alone."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = lines(tmp_path, CONVERSATION).read_text()
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()

    found = made.run("import", str(pipe), "--json").json["files"][0]

    writer.join()
    assert 1 == found["conversations"]


def test_prefer_and_preferences(made: Shell) -> None:
    """A stated preference shows at once; saying it again changes nothing new but evidence."""
    ran = made.run("prefer", "Answer in at most two sentences.")
    assert "added: Answer in at most two sentences. (stated)\n" == ran.out

    found = made.run("preferences", "--json").json["preferences"]
    assert [("Answer in at most two sentences.", "stated", "active")] == [
        (entry["statement"], entry["source"], entry["status"]) for entry in found
    ]
    changes = made.run("prefer", "Answer in at most two sentences.", "--json").json["changes"]
    assert ["reinforced"] == [change["kind"] for change in changes]


def test_a_later_wish_wins(made: Shell) -> None:
    """The earlier one steps back and shows with --all only."""
    made.run("prefer", "Answer in at most two sentences.")
    made.run("prefer", "Answer in at most five sentences.")

    active = made.run("preferences", "--json").json["preferences"]
    every = made.run("preferences", "--all", "--json").json["preferences"]

    assert ["Answer in at most five sentences."] == [entry["statement"] for entry in active]
    assert {"superseded", "active"} == {entry["status"] for entry in every}


def test_an_empty_wish(made: Shell) -> None:
    """Nothing said is nothing kept."""
    assert 2 == made.run("prefer", "  ").code
    with made.store() as store:
        assert [] == store.feedback.all()


def test_habits_are_apart(shell: Shell, past: Past) -> None:
    """Entries about a tool are habits, the others preferences."""
    habits = shell.run("habits", "--json").json["habits"]
    preferences = shell.run("preferences", "--json").json["preferences"]

    assert ["Weather in metric units."] == [entry["statement"] for entry in habits]
    assert ["Answer shortly.", "End with Cheers."] == [entry["statement"] for entry in preferences]


def test_retire(shell: Shell, past: Past) -> None:
    """A retired entry leaves the list, is kept with its reason, and cannot be retired twice."""
    entry = shell.run("preferences", "--json").json["preferences"][0]

    ran = shell.run("preferences", "retire", entry["id"])

    assert "“Answer shortly.” is retired\n" == ran.out
    assert "Answer shortly." not in shell.run("preferences").out
    with shell.store() as store:
        last = store.ledger.history(entry["id"])[-1]
    assert (PreferenceStatus.RETIRED, "by hand") == (last.status, last.reason)
    assert 2 == shell.run("preferences", "retire", entry["id"]).code
    assert 2 == shell.run("preferences", "retire", "p-none").code


def night(shell: Shell, monkeypatch: pytest.MonkeyPatch, run: Any) -> list[Night]:
    """Puts `run` in the place of the night itself; what it was called with."""
    nights: list[Night] = []

    def run_night(night: Night) -> NightResult:
        nights.append(night)
        return run(night)

    monkeypatch.setattr("persona.nightly.run_night", run_night)
    return nights


def promoted(night: Night) -> NightResult:
    night.on_progress({"stage": "train", "step": "steps", "done": 1, "total": 2})
    night.on_progress({"stage": "train", "step": "steps", "done": 2, "total": 2})
    return NightResult(
        run="run-3",
        outcome=RunState.PROMOTED,
        reasons=("better",),
        revision="r3",
        report=report("rev-3", key="p-1", statement="Answer shortly.", passed=9),
        costs={"train": {"seconds": 1.5, "peak_bytes": 10}},
    )


def test_train_says_how_it_ended(shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcome, revision and reasons on standard output; each step once on standard error."""
    shell.known["base"] = "a base"
    night(shell, monkeypatch, promoted)

    ran = shell.run("train", "--now")

    assert (0, "promoted: r3\n  better\n", "train: steps\n") == (ran.code, ran.out, ran.err)
    found = shell.run("train", "--now", "--json").json
    assert ("promoted", "r3", {"train": {"seconds": 1.5, "peak_bytes": 10}}) == (
        found["outcome"],
        found["revision"],
        found["costs"],
    )
    assert 9 == found["report"]["candidate"]["pairs"]["passed"]


def test_train_works_with_the_settings(shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed, quantisation, budget, thresholds and engine come from the configuration."""
    shell.known["base"] = "a base"
    (shell.root / "config.toml").write_text(
        '[train]\nseed = 5\nquantisation = "nf4"\nwall_clock_minutes = 2\nmemory_gb = 3\nthreads = 1\n'
        '[gate]\nmax_drift = 0.2\n[serve]\nengine = "transformers"\n'
    )
    nights = night(shell, monkeypatch, promoted)

    shell.run("train", "--now")

    (found,) = nights
    assert (5, "nf4") == (found.recipe.seed, found.recipe.quantisation)
    assert (120, 3_000_000_000) == (found.budget.seconds, found.budget.memory_bytes)
    assert (0.2, 3) == (found.policy.max_drift, found.policy.min_prompts)
    assert ("transformers", 1, "me") == (found.engine, found.threads, found.identity)


@pytest.mark.parametrize("outcome", [RunState.REJECTED, RunState.NOTHING_TO_LEARN])
def test_not_promoted_is_no_failure(
    shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch, outcome: RunState
) -> None:
    """A night that ends without a promotion is exit code 0."""
    shell.known["base"] = "a base"
    night(shell, monkeypatch, lambda _: NightResult(run="run-3", outcome=outcome, reasons=("so",)))

    ran = shell.run("train", "--now")

    assert (0, f"{outcome}\n  so\n") == (ran.code, ran.out)


def test_a_failed_night_is_a_failure(shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the training is the exit code of the command."""
    shell.known["base"] = "a base"

    def fail(_: Night) -> NightResult:
        raise BrokenNumerics("loss became nan at step 3")

    night(shell, monkeypatch, fail)

    ran = shell.run("train", "--now")

    assert (7, "", "persona: loss became nan at step 3\n") == (ran.code, ran.out, ran.err)


def test_nothing_to_learn(made: Shell) -> None:
    """A real night over an empty store ends well, with the reason."""
    made.known["base"] = "a base"

    found = made.run("train", "--now", "--json").json

    assert "nothing_to_learn" == found["outcome"]
    assert "at least 4 are needed" in found["reasons"][0]


def test_train_needs_now(made: Shell) -> None:
    """Without --now nothing runs."""
    assert 2 == made.run("train").code
