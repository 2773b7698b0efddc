"""Who is the champion and where a rollback goes: the pure rules, without a disk."""

from __future__ import annotations

import pytest
from registry_parts import NOON

from adapters import Operation, OperationKind, RevisionState
from adapters.succession import Succession

PROMOTE, ROLLBACK, REJECT, RETIRE = OperationKind


def after(*steps: tuple[OperationKind, str]) -> Succession:
    succession = Succession()
    for number, (kind, revision) in enumerate(steps, start=1):
        succession.apply(
            Operation(
                number=number,
                kind=kind,
                revision=revision,
                champion_before=succession.champion,
                reason="",
                at=NOON,
                parent=None,
            )
        )
    return succession


@pytest.mark.parametrize(
    ("steps", "champion", "previous"),
    [
        ([], "r0", None),
        ([(PROMOTE, "a")], "a", "r0"),
        ([(PROMOTE, "a"), (PROMOTE, "b")], "b", "a"),
        # Back, and back again: a rollback never leads to what was just left.
        ([(PROMOTE, "a"), (PROMOTE, "b"), (ROLLBACK, "a")], "a", "r0"),
        ([(PROMOTE, "a"), (PROMOTE, "b"), (ROLLBACK, "a"), (ROLLBACK, "r0")], "r0", None),
        # Straight to the bottom, then forward to a known one.
        ([(PROMOTE, "a"), (PROMOTE, "b"), (ROLLBACK, "r0"), (ROLLBACK, "b")], "b", "r0"),
        # Promoted a second time: back to what was before the second time.
        ([(PROMOTE, "a"), (PROMOTE, "b"), (PROMOTE, "a")], "a", "b"),
        ([(PROMOTE, "a"), (PROMOTE, "b"), (PROMOTE, "a"), (ROLLBACK, "b")], "b", "a"),
        # What was taken out of service is passed over.
        ([(PROMOTE, "a"), (PROMOTE, "b"), (RETIRE, "a")], "b", "r0"),
        ([(PROMOTE, "a"), (PROMOTE, "b"), (REJECT, "a")], "b", "r0"),
        ([(PROMOTE, "a"), (PROMOTE, "b"), (PROMOTE, "a"), (RETIRE, "b")], "a", "r0"),
        ([(REJECT, "a"), (PROMOTE, "a"), (PROMOTE, "b")], "b", "a"),
    ],
)
def test_champion_and_previous(
    steps: list[tuple[OperationKind, str]], champion: str, previous: str | None
) -> None:
    """The champion is the last to take office; previous is the last before it that still may."""
    succession = after(*steps)
    assert (champion, previous) == (succession.champion, succession.previous)


def test_the_line_holds_the_champions_that_no_rollback_left() -> None:
    """r0 first, the present one last; what was rolled back from is not among them."""
    steps = [(PROMOTE, "a"), (PROMOTE, "b"), (PROMOTE, "c")]
    assert ("r0", "a", "b", "c") == after(*steps).line
    assert ("r0", "a", "d") == after(*steps, (ROLLBACK, "a"), (PROMOTE, "d")).line


@pytest.mark.parametrize(
    ("steps", "kind", "revision", "objection"),
    [
        ([], PROMOTE, "a", None),
        ([], ROLLBACK, "a", None),
        ([], REJECT, "a", None),
        ([], RETIRE, "a", None),
        ([], PROMOTE, "r0", "it is the bare base; roll back to it instead"),
        ([], ROLLBACK, "r0", "it is the champion already"),
        ([], REJECT, "r0", "it is the bare base"),
        ([], RETIRE, "r0", "it is the bare base"),
        ([(PROMOTE, "a")], ROLLBACK, "r0", None),
        ([(PROMOTE, "a")], PROMOTE, "a", "it is the champion already"),
        ([(PROMOTE, "a")], REJECT, "a", "it is the champion; roll back first"),
        ([(PROMOTE, "a")], RETIRE, "a", "it is the champion; roll back first"),
        ([(REJECT, "a")], REJECT, "a", "it is rejected already"),
        ([(REJECT, "a")], PROMOTE, "a", None),
        ([(REJECT, "a")], RETIRE, "a", None),
        ([(RETIRE, "a")], PROMOTE, "a", "it is retired, and that is for good"),
        ([(RETIRE, "a")], ROLLBACK, "a", "it is retired, and that is for good"),
        ([(RETIRE, "a")], REJECT, "a", "it is retired, and that is for good"),
        ([(RETIRE, "a")], RETIRE, "a", "it is retired, and that is for good"),
    ],
)
def test_what_may_come_next(
    steps: list[tuple[OperationKind, str]], kind: OperationKind, revision: str, objection: str | None
) -> None:
    """Each refusal has its reason."""
    assert objection == after(*steps).objection(kind, revision)


def test_r0_is_a_former_champion_once_another_took_office() -> None:
    """The bare base is never a candidate."""
    assert RevisionState.CHAMPION == after().state("r0")
    assert RevisionState.FORMER == after((PROMOTE, "a")).state("r0")
