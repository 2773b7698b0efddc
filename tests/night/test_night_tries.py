"""Memory that runs out, and a user who comes back: the night tries again, and says so."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from night_parts import Place

from persona.child import Budget, Pause
from persona.errors import ChildFailed, OutOfMemory, Yielded
from persona.nightly.tries import tried
from store.records import RunState

LOG = Path("train.log")


def out_of_memory() -> OutOfMemory:
    return OutOfMemory("train", "it was stopped at 2.10 GB of memory", LOG)


class Attempts:
    """Raises what it is given, one each time, then ends well."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.errors = list(errors)
        self.seen: list[tuple[int, Budget]] = []

    def __call__(self, halvings: int, budget: Budget) -> str:
        self.seen.append((halvings, budget))
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return "done"


@pytest.mark.parametrize("times", [0, 1, 2])
def test_portions_shrink_and_the_rows_of_a_step_stay(place: Place, times: int) -> None:
    """The recipe, and so the build, is the one that was asked for; the costs tell how often it was tried."""
    place.live(12)

    def short(job: Any) -> None:
        if len(place.stages.trained) <= times:
            raise out_of_memory()

    place.stages.before_training = short
    result = place.night()
    assert list(range(times + 1)) == [job.halvings for job in place.stages.trained]
    assert {place.recipe} == {job.recipe for job in place.stages.trained}
    run = place.store.runs.get(result.run)
    assert times + 1 == run.costs["train"]["tries"]
    assert place.recipe.to_json() == place.registry.resolve("r1").recipe
    assert {} == place.registry.staged()


def test_after_three_tries_the_night_has_failed_with_advice(place: Place) -> None:
    """One line: what happened, how often, what to do."""
    place.live(12)

    def short(job: Any) -> None:
        raise out_of_memory()

    place.stages.before_training = short
    with pytest.raises(OutOfMemory, match="the last of 3 tries"):
        place.night()
    run = place.store.runs.latest()
    assert run is not None
    assert RunState.FAILED is run.state
    assert "raise train.memory_gb" in run.reasons[0]
    assert "\n" not in run.reasons[0]
    assert 3 == len(place.stages.trained)
    assert {} == place.registry.staged()


def test_other_failures_are_not_tried_again() -> None:
    """They would fail again."""
    attempts = Attempts(ChildFailed("train", "no good", LOG))
    with pytest.raises(ChildFailed):
        tried(attempts, budget=Budget())
    assert 1 == len(attempts.seen)


def test_what_made_room_comes_back_when_it_is_quiet() -> None:
    """As often as it takes; the time that is left shrinks."""
    now = [0.0]
    idle = iter([0.0, 0.0, 30.0, 61.0, 61.0])
    said: list[str] = []

    def attempt(halvings: int, budget: Budget) -> str:
        now[0] += 100
        return attempts(halvings, budget)

    attempts = Attempts(Yielded("train"), None)
    found = tried(
        attempt,
        budget=Budget(total_seconds=1000),
        pause=Pause(idle_seconds=lambda: next(idle), quiet_seconds=60, manner="end"),
        on_progress=lambda event: said.append(event["step"]),
        clock=lambda: now[0],
        sleep=lambda seconds: now.__setitem__(0, now[0] + 10),
    )
    assert ("done", 1, 1, 130.0) == (found.value, found.tries, found.restarts, found.lost_seconds)
    assert [1000, 870] == [budget.total_seconds for _, budget in attempts.seen]
    assert ["made room for you: going on when the machine is idle"] == said


def test_a_night_that_never_gets_quiet_is_interrupted(place: Place) -> None:
    """When the whole time is over it gives up for now; nothing of it was kept."""
    now = [0.0]
    with pytest.raises(Yielded):
        tried(
            Attempts(Yielded("train")),
            budget=Budget(total_seconds=50),
            pause=Pause(idle_seconds=lambda: 0.0, manner="end"),
            clock=lambda: now[0],
            sleep=lambda seconds: now.__setitem__(0, now[0] + 10),
        )
    place.live(12)

    def give_way(job: Any) -> None:
        raise Yielded("train")

    place.stages.before_training = give_way
    place.budget = Budget(total_seconds=0)
    place.pause = Pause(idle_seconds=lambda: 0.0, manner="end")
    with pytest.raises(Yielded):
        place.night()
    run = place.store.runs.latest()
    assert run is not None
    assert RunState.INTERRUPTED is run.state
    assert {} == place.registry.staged()


def test_waiting_can_be_cancelled() -> None:
    """A daemon that stops does not wait for the user to leave."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(KeyboardInterrupt):
        tried(
            Attempts(Yielded("train")),
            budget=Budget(),
            pause=Pause(idle_seconds=lambda: 0.0),
            cancel=cancel,
            sleep=lambda _: None,
        )


def test_the_curve_of_the_last_try_is_kept(place: Place) -> None:
    """Losses by step go into the report, without those of a try that came to nothing."""
    place.live(12)
    place.stages.losses = [3.0, 2.0]
    place.stages.fail_after_losses = 1
    result = place.night()
    assert result.report is not None
    assert result.report.training is not None
    assert {"loss": (3.0, 2.0)} == result.report.training.losses
    run = place.store.runs.get(result.run)
    assert run.report is not None
    assert [3.0, 2.0] == run.report["training"]["losses"]["loss"]
    assert type(result.report).from_json(run.report) == result.report


def test_restraint_is_in_the_report(place: Place) -> None:
    """What was left of the adapter, and what it then drifted by, is kept with the run."""
    place.live(12)
    run = place.store.runs.get(place.night().run)
    assert run.report is not None
    assert (0.5, 0.03) == (run.report["training"]["scale"], run.report["training"]["drift"])
