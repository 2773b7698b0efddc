"""A night that is killed at any step: the next one ends as if nothing had happened.

Each failpoint of the night is hit by a kill -9 in a process of its own, and what came of it is compared with
a night that nothing disturbed. Children are played; their real deaths are in tests/child and scripts.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from night_parts import Place, lived, make_place

import persona.nightly
from adapters import Registry
from adapters.failpoint import armed
from persona.nightly import clear_logs, recover
from persona.paths import make_private
from store import Store
from store.records import RunState

FAILPOINTS = sorted(
    {
        name
        for path in Path(persona.nightly.__file__).parent.glob("*.py")
        for name in re.findall(r'\breach\("([a-z._]+)"\)', path.read_text())
    }
)
OF_THE_NIGHT = [name for name in FAILPOINTS if name.startswith("night.") and name != "night.weaken"]
OF_RECOVERY = [name for name in FAILPOINTS if name.startswith("recover.")]


def dies_at(name: str, root: Path, act: Callable[[Place], object], patch: pytest.MonkeyPatch) -> bool:
    """Whether `act`, in a process of its own, reached the failpoint, where it was killed."""

    def hook(reached: str) -> None:
        if reached == name:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        status = 1
        try:
            place = make_place(root, patch)
            with armed(hook):
                act(place)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert 0 == os.WEXITSTATUS(status), "it failed by itself"
    return False


def a_night(place: Place) -> None:
    place.stages.before_training = lambda job: leave_words(place, job.out.name)
    place.night()


def leave_words(place: Place, run: str) -> None:
    """What a real child finds in its folder."""
    (place.home.runs / run / "job.json").write_text('{"examples": "the words of the user"}')
    (place.home.runs / run / "train.log").write_text("loading\n")
    (place.home.runs / run / "checkpoint").mkdir(exist_ok=True)
    (place.home.runs / run / "checkpoint" / "optimizer.pt").write_bytes(b"what they had learnt by then")


def outcome(place: Place) -> dict[str, Any]:
    """What a user can tell apart: who is champion, why, on what, and what it was measured at."""
    champion = place.registry.resolve("champion")
    run = place.store.runs.of_revision(champion.id)
    assert run is not None
    report = dict(run.report or {})
    for varies in ("training", "seconds"):  # a candidate that was found and not built has no curve
        report.pop(varies, None)
    for arm in ("candidate", "champion", "base"):
        report[arm] = {**report[arm], "revision": ""}  # a hash of a manifest that has a date
    return {
        "state": run.state,
        "reasons": list(run.reasons),
        "report": report,
        "build": champion.build_key,
        "files": {name: record.digest for name, record in champion.files.items()},
        "numbers": [revision.number for revision in place.registry.revisions()],
        "operations": [(each.kind, each.reason) for each in place.registry.operations()],
        "snapshot": run.snapshot,
        "examples": sorted(place.store.snapshots.get(run.snapshot or "").train),
    }


def in_order(place: Place) -> None:
    """Nothing half, nothing open, and no word of the user outside the store."""
    assert [] == place.store.runs.open_runs()
    assert [] == place.registry.verify(deep=True)
    assert [] == place.store.verify()
    assert {} == place.registry.staged()
    left = [path for path in place.home.runs.rglob("*") if path.is_file()]
    assert [] == [path for path in left if path.suffix != ".log"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        lived(root, patch)
        place = make_place(root, patch)
        place.night()
        found = outcome(place)
        place.store.close()
    return found


@pytest.mark.parametrize("name", OF_THE_NIGHT)
def test_a_night_killed_at_any_step_costs_nothing_but_time(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any]
) -> None:
    """The next night gives the same revision for the same reasons, from examples used once."""
    lived(tmp_path, monkeypatch)
    assert dies_at(name, tmp_path, a_night, monkeypatch), f"{name} was never reached"
    place = make_place(tmp_path, monkeypatch)
    again = place.night()
    in_order(place)
    assert undisturbed == outcome(place)
    states = [run.state for run in place.store.runs.all()]
    assert RunState.STARTED not in states
    if name == "night.finish":  # the operation had happened: the run that made it gets its end
        assert [RunState.PROMOTED, RunState.NOTHING_TO_LEARN] == states
    elif name == "night.start":
        assert [RunState.PROMOTED] == states
    else:
        assert [RunState.INTERRUPTED, RunState.PROMOTED] == states
        assert "r1" == again.revision
    trained = 0 if name in {"night.evaluate", "night.judge", "night.promote", "night.finish"} else 1
    assert trained == len(place.stages.trained)  # what was published is found, not built again
    place.store.close()


@pytest.mark.parametrize("name", OF_RECOVERY)
@pytest.mark.parametrize("first", ["night.publish", "night.finish"])
def test_recovery_may_be_killed_too(
    name: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any]
) -> None:
    """It is simply done again."""

    def put_in_order(place: Place) -> None:
        recover(runs=place.home.runs, store=place.store, registry=place.registry, now=datetime.now(UTC))

    lived(tmp_path, monkeypatch)
    assert dies_at(first, tmp_path, a_night, monkeypatch)
    if not dies_at(name, tmp_path, put_in_order, monkeypatch):
        assert (name, first) == ("recover.discard", "night.finish"), f"{name} was never reached"
    place = make_place(tmp_path, monkeypatch)
    place.night()
    in_order(place)
    assert undisturbed == outcome(place)
    place.store.close()


def test_every_failpoint_is_swept() -> None:
    """A failpoint with a name that no sweep knows tests nothing, wherever it stands. Those of the registry's,
    of children and of nights that weaken have sweeps of their own, which fail for one they do not reach."""
    assert sorted([*OF_THE_NIGHT, *OF_RECOVERY, "night.weaken"]) == FAILPOINTS
    assert len(OF_THE_NIGHT) >= 9
    assert len(OF_RECOVERY) >= 4
    root = Path(persona.nightly.__file__).parents[2]
    rooms = {
        "/".join(path.relative_to(root).parts[:-1])
        for package in ("adapters", "persona", "store")
        for path in (root / package).rglob("*.py")
        if re.search(r"^\s+reach\(", path.read_text(), re.MULTILINE)
    }
    assert {"adapters", "persona/child", "persona/nightly"} == rooms


def test_a_rejection_that_was_cut_off_is_a_rejection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a promotion: the operation is on record, so the run ends with it."""
    lived(tmp_path, monkeypatch)

    def no_better(place: Place) -> None:
        place.stages.score = 0.0
        place.night()

    assert dies_at("night.finish", tmp_path, no_better, monkeypatch)
    place = make_place(tmp_path, monkeypatch)
    assert RunState.NOTHING_TO_LEARN is place.night().outcome
    first = place.store.runs.all()[0]
    assert RunState.REJECTED is first.state
    assert first.report is not None
    assert place.registry.operations()[0].revision == first.revision
    in_order(place)
    place.store.close()


def test_an_error_after_the_operation_does_not_deny_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the end of the run cannot be written at first, the second attempt says what really happened."""
    place.live(12)
    finish, calls = place.store.runs.finish, []

    def fails_once(*given: Any, **named: Any) -> None:
        calls.append(named["state"])
        if len(calls) == 1:
            raise KeyboardInterrupt
        finish(*given, **named)

    monkeypatch.setattr(place.store.runs, "finish", fails_once)
    with pytest.raises(KeyboardInterrupt):
        place.night()
    assert [RunState.PROMOTED, RunState.PROMOTED] == calls
    assert "r1" == place.registry.resolve("champion").ref
    in_order(place)


def test_a_judgement_that_reached_nobody_decides_nothing(place: Place) -> None:
    """Written down but never carried out: the run is interrupted, and the candidate is judged again."""
    place.live(12)

    def stop(name: str) -> None:
        if name == "night.promote":
            raise KeyboardInterrupt

    with armed(stop), pytest.raises(KeyboardInterrupt):
        place.night()
    assert "r0" == place.registry.champion()
    assert [RunState.INTERRUPTED] == [run.state for run in place.store.runs.all()]
    assert "r1" == place.night().revision
    assert 1 == len(place.stages.trained)
    assert 2 == len(place.stages.judged)
    in_order(place)


def test_what_others_staged_is_left_alone(place: Place) -> None:
    """Recovery takes what nights left, by name; an import under way is none of it."""
    place.registry.stage("import-7")
    place.registry.stage("20261109t120000-abcdef")
    recover(
        runs=place.home.runs,
        store=place.store,
        registry=place.registry,
        now=datetime.now(UTC),
    )
    assert ["import-7"] == list(place.registry.staged())


def test_recovery_of_one_identity_leaves_another_its_judgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any]
) -> None:
    """Her night was cut off after its operation; mine puts the home in order. Hers still ends as it happened,
    and of what her children were given nothing stays in between, whatever I forget."""
    lived(tmp_path, monkeypatch)
    assert dies_at("night.finish", tmp_path, a_night, monkeypatch)
    hers = make_place(tmp_path, monkeypatch)
    (run,) = hers.store.runs.open_runs()
    leave_words(hers, run.id)
    paths = hers.home.identity("ann")
    make_private(paths.folder)
    with Store.open(paths.store) as store:
        recover(
            runs=hers.home.runs, store=store, registry=Registry.open(paths.adapters), now=datetime.now(UTC)
        )
    clear_logs(hers.home.runs)

    assert ["judged.json"] == [file.name for file in hers.home.runs.rglob("*") if file.is_file()]
    assert RunState.NOTHING_TO_LEARN is hers.night().outcome
    assert undisturbed == outcome(hers)
    in_order(hers)
    hers.store.close()


def test_json_of_a_judgement_is_whole(tmp_path: Path) -> None:
    """What is read is what was written."""
    from persona.nightly.judgement import Judgement

    judged = Judgement(
        accepted=True, snapshot="d", revision="r", reasons=("a", "b"), report={"x": [1]}, costs={}
    )
    judged.write(tmp_path)
    assert judged == Judgement.read(tmp_path)
    assert json.loads((tmp_path / "judged.json").read_bytes())["accepted"]
