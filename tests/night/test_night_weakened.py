"""What learnt well and did harm is tried once more, weaker, before the night refuses it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from night_parts import Place, lived, make_place

from adapters import RevisionState
from adapters.failpoint import armed
from store.records import RunState

TOO_MUCH, LITTLE = 0.09, 0.01  # nats per token; 0.05 are allowed


def alpha(place: Place, ref: str) -> float:
    return float(
        json.loads(place.registry.resolve(ref).file("adapter_config.json").read_bytes())["lora_alpha"]
    )


def operations(place: Place) -> list[tuple[str, str]]:
    return [
        (each.kind.value, place.registry.resolve(each.revision).ref) for each in place.registry.operations()
    ]


def test_a_weaker_one_is_judged_before_the_night_refuses(place: Place) -> None:
    """r1 is refused for its drift, r2 has its weights at 0.7 of its scale and becomes the champion; the run
    says so, and both are in the history."""
    place.live(12)
    place.stages.drifts = [TOO_MUCH, LITTLE]
    result = place.night()
    assert (RunState.PROMOTED, "r2") == (result.outcome, result.revision)
    assert [("reject", "r1"), ("promote", "r2")] == operations(place)
    weak, strong = place.registry.resolve("r2"), place.registry.resolve("r1")
    assert strong.id == weak.parent
    assert (2, pytest.approx(1.4)) == (alpha(place, "r1"), alpha(place, "r2"))
    name = "adapter_model.safetensors"
    assert strong.files[name] == weak.files[name]
    assert "weakened to 70 % of r1, of which was said: drift from the base is 0.090" in result.reasons[-1]
    assert result.report is not None
    assert result.report.training is not None
    assert pytest.approx(0.35) == result.report.training.scale  # 0.5 was left of it by restraint
    assert result.report.training.drift is None
    assert 1 == len(place.stages.trained)
    assert 2.0 == result.costs["evaluate"]["seconds"]
    assert 1 == result.costs["evaluate"]["tries"]
    assert [] == place.registry.verify(deep=True)


def test_it_is_tried_once(place: Place) -> None:
    """Both are refused, the champion stays, and the same examples are not built, weakened or judged again."""
    place.live(12)
    place.stages.drifts = [TOO_MUCH, TOO_MUCH]
    result = place.night()
    assert (RunState.REJECTED, "r2") == (result.outcome, result.revision)
    assert "r0" == place.registry.champion()
    assert RunState.NOTHING_TO_LEARN is place.night().outcome
    assert [("reject", "r1"), ("reject", "r2")] == operations(place)


@pytest.mark.parametrize("score", [0.0, 0.05])
def test_what_learnt_nothing_is_not_weakened(place: Place, score: float) -> None:
    """Less of nothing is no better."""
    place.live(12)
    place.stages.score = score
    place.stages.drifts = [TOO_MUCH]
    assert "r1" == place.night().revision
    assert [("reject", "r1")] == operations(place)


def seen(place: Place) -> dict[str, Any]:
    champion = place.registry.resolve("champion")
    run = place.store.runs.of_revision(champion.id)
    assert run is not None
    return {
        "ref": champion.ref,
        "reasons": list(run.reasons),
        "operations": operations(place),
        "files": {name: record.digest for name, record in champion.files.items()},
    }


def scripted(root: Path, patch: pytest.MonkeyPatch) -> Place:
    """Whoever is judged drifts by how strong it is, whichever night judges it."""
    place = make_place(root, patch)

    def set_drift(job: Any) -> None:
        strength = json.loads(
            (job.adapters / "revisions" / job.candidate / "adapter_config.json").read_bytes()
        )
        place.stages.drifts = [TOO_MUCH if strength["lora_alpha"] == 2 else LITTLE]

    place.stages.before_report = set_drift
    return place


STEPS = [
    ("night.weaken", 1),
    *((f"night.{name}", n) for name in ("evaluate", "judge", "promote") for n in (1, 2)),
]


@pytest.mark.parametrize(("name", "nth"), [*STEPS, ("night.finish", 1)])
def test_killed_at_any_step_it_ends_as_if_nothing_had_happened(
    name: str, nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weaker one is published before the stronger one is refused, so one always awaits judgement."""
    for root in ("whole", "cut"):
        lived(tmp_path / root, monkeypatch)
    whole = scripted(tmp_path / "whole", monkeypatch)
    whole.night()
    expected = seen(whole)
    whole.store.close()
    child = os.fork()
    if child == 0:
        reached = 0

        def hook(at: str) -> None:
            nonlocal reached
            reached += at == name
            if reached == nth:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            with armed(hook):
                scripted(tmp_path / "cut", monkeypatch).night()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{name} was never reached"
    place = scripted(tmp_path / "cut", monkeypatch)
    place.night()
    assert expected == seen(place)
    assert 2 == len(place.registry.revisions())
    assert RevisionState.REJECTED is place.registry.state(place.registry.resolve("r1").id)
    assert [] == place.store.runs.open_runs()
    assert {} == place.registry.staged()
    assert [] == place.registry.verify(deep=True)
    place.store.close()
