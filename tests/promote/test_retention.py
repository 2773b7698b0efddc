"""What stays on disk and why; what goes is retired, erased, and known to `verify`."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promote_parts import NOON, registry_with

from adapters import OperationKind, Registry, RevisionState
from adapters.errors import NotAllowed
from adapters.failpoint import armed
from persona.promote import Plan, RetentionPolicy, carry_out, plan, standings
from persona.promote.retention import Standing

ENDS = ("promote", "reject", "promote", "promote", "promote", "reject", "candidate")


def planned(registry: Registry, *, now: datetime, former: int = 1, leased: tuple[str, ...] = ()) -> Plan:
    return plan(
        standings(registry),
        RetentionPolicy(former=former, rejected_days=14),
        now=now,
        previous=registry.previous(),
        pinned=registry.pinned(),
        leased=leased,
    )


def reasons(found: Plan) -> dict[str, tuple[bool, str]]:
    return {fate.standing.ref: (fate.stays, fate.reason) for fate in found.fates}


def test_who_stays_and_why(tmp_path: Path) -> None:
    """r5 is champion, r4 is before it, r7 awaits judgement; r2 was rejected long ago, r6 lately."""
    registry, ids = registry_with(tmp_path, *ENDS)
    found = planned(registry, now=NOON + timedelta(days=18))
    assert {
        "r1": (False, "older than the 1 former champions that stay"),
        "r2": (False, "rejected more than 14 days ago"),
        "r3": (True, "one of the 1 newest former champions"),
        "r4": (True, "where a rollback goes"),
        "r5": (True, "the champion"),
        "r6": (True, "rejected 12 days ago; stays 14"),
        "r7": (True, "awaits judgement"),
    } == reasons(found)
    assert found.freed_bytes > 0
    registry.pin(ids[0])
    found = planned(registry, now=NOON + timedelta(days=18), leased=(ids[1],))
    assert {"r1": (True, "pinned"), "r2": (True, "in use")}.items() <= reasons(found).items()
    assert [] == found.leaving


def test_a_candidate_that_nobody_will_judge_leaves(tmp_path: Path) -> None:
    """Its night failed, and a later one built from more: it stays as long as a rejected one would."""
    registry, _ = registry_with(tmp_path, "candidate", "candidate")
    assert (True, "awaits judgement") == reasons(planned(registry, now=NOON + timedelta(days=10)))["r1"]
    found = planned(registry, now=NOON + timedelta(days=20))
    assert {
        "r1": (False, "not judged in 14 days, and a newer one is there"),
        "r2": (True, "awaits judgement"),
    } == reasons(found)
    carry_out(registry, found.leaving)
    assert [] == registry.verify(deep=True)


def test_what_goes_is_retired_and_erased(tmp_path: Path) -> None:
    """An operation with the reason, no adapter file, the manifest kept; the registry is intact, twice too."""
    registry, ids = registry_with(tmp_path, *ENDS)
    found = planned(registry, now=NOON + timedelta(days=18))
    carry_out(registry, found.leaving)
    carry_out(registry, planned(registry, now=NOON + timedelta(days=18)).leaving)
    retired = [each for each in registry.operations() if each.kind is OperationKind.RETIRE]
    assert [(ids[0], f"gc: {found.leaving[0].reason}"), (ids[1], f"gc: {found.leaving[1].reason}")] == [
        (each.revision, each.reason) for each in retired
    ]
    assert ["manifest.json"] == [path.name for path in registry.resolve("r1").path.iterdir()]
    assert [] == registry.verify(deep=True)
    assert "retired, and its files are gone" == reasons(planned(registry, now=NOON))["r1"][1]


def test_a_kill_at_any_step_leaves_a_registry_that_verifies(tmp_path: Path) -> None:
    """And the next clean-up finishes the work."""
    step = 0
    while True:
        step += 1
        registry, _ = registry_with(tmp_path / str(step), *ENDS[:4])
        now = NOON + timedelta(days=30)
        child = os.fork()
        if child == 0:
            left = step

            def hook(_name: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            with armed(hook):
                carry_out(registry, planned(registry, now=now, former=0).leaving)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert all(problem.kind == "leftover" for problem in registry.verify(deep=True))
        carry_out(registry, planned(registry, now=now, former=0).leaving)
        assert [] == planned(registry, now=now, former=0).leaving
        assert [] == registry.verify(deep=True)
        if not os.WIFSIGNALED(status):
            break
    assert step > 10


def test_pins(tmp_path: Path) -> None:
    """Kept whole on disk, checked by verify, refused for what is retired, idempotent."""
    registry, ids = registry_with(tmp_path, "reject", "promote")
    registry.pin(ids[0])
    registry.pin(ids[0])
    assert frozenset({ids[0]}) == Registry.open(registry.root).pinned()
    assert [] == registry.verify()
    (registry.root / "pins.json").chmod(0o644)
    assert ["exposed"] == [problem.kind for problem in registry.verify()]
    (registry.root / "pins.json").chmod(0o600)
    registry.unpin(ids[0])
    registry.unpin(ids[0])
    assert frozenset() == registry.pinned()
    registry.retire(ids[0], "by hand")
    with pytest.raises(NotAllowed, match="that is for good"):
        registry.pin(ids[0])


@pytest.mark.parametrize("bad", [b"{}", b"", b'{"format":"adapters.pins/1","revisions":["rev-0"]}'])
def test_damaged_pins_stop_a_clean_up(tmp_path: Path, bad: bytes) -> None:
    """Who removes what is not pinned must not take damage for nothing."""
    registry, _ = registry_with(tmp_path, "reject")
    (registry.root / "pins.json").write_bytes(bad)
    (registry.root / "pins.json").chmod(0o600)
    with pytest.raises(Exception, match=r"pins\.json"):
        planned(registry, now=NOON)
    assert ["damage"] == [problem.kind for problem in registry.verify()]


states = st.sampled_from(list(RevisionState))


@given(
    kinds=st.lists(st.tuples(states, st.integers(0, 40), st.booleans(), st.booleans()), max_size=12),
    former=st.integers(0, 4),
    days=st.floats(0, 30),
)
def test_what_must_stay_stays(
    kinds: list[tuple[RevisionState, int, bool, bool]], former: int, days: float
) -> None:
    """Whatever the history: nobody removes a champion, the newest or a young candidate, what is pinned,
    leased or before."""
    now = NOON + timedelta(days=60)
    all_of_them = [
        Standing(id=f"rev-{n}", ref=f"r{n}", number=n, state=state, since=now - timedelta(days=age), bytes=10)
        for n, (state, age, _, _) in enumerate(kinds, start=1)
    ]
    pinned = {each.id for each, (_, _, pin, _) in zip(all_of_them, kinds, strict=True) if pin}
    leased = {each.id for each, (_, _, _, lease) in zip(all_of_them, kinds, strict=True) if lease}
    found = plan(
        all_of_them,
        RetentionPolicy(former=former, rejected_days=days),
        now=now,
        previous="rev-1",
        pinned=pinned,
        leased=leased,
    )
    assert [each.id for each in all_of_them] == [fate.standing.id for fate in found.fates]
    for fate in found.leaving:
        assert fate.standing.state is not RevisionState.CHAMPION
        if fate.standing.state is RevisionState.CANDIDATE:
            assert fate.standing is not all_of_them[-1]
        if fate.standing.state is not RevisionState.RETIRED:
            assert fate.standing.id not in pinned | leased | {"rev-1"}
        if fate.standing.state in (RevisionState.REJECTED, RevisionState.CANDIDATE):
            assert now - fate.standing.since >= timedelta(days=days)
    assert all(fate.reason for fate in found.fates)
