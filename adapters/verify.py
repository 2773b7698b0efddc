"""Re-derives everything that a registry claims and lists what is not so; it changes nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from adapters import layout, pins
from adapters.durable import is_partial
from adapters.errors import Damaged, UnknownFormat
from adapters.layout import Layout, operation_number
from adapters.log import OperationLog
from adapters.operation import Operation
from adapters.reading import entries
from adapters.revision import BARE_ID, RevisionState
from adapters.succession import Succession
from adapters.survey import Survey, check_content, check_shape, survey


class ProblemKind(StrEnum):
    DAMAGE = "damage"  # something is not what it was written as, or is gone
    EXPOSED = "exposed"  # other users of this machine may read it
    LEFTOVER = "leftover"  # harmless: what a crash, or a run in progress, left lying


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is not as it should be."""

    kind: ProblemKind
    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.path}: {self.what}"


def shape_problems(where: Layout) -> Iterator[Problem]:
    """All that is wrong with the registry at `where` but for what only hashing files can tell.

    Call with the lock held, or a mutation under way looks like what a crash left.
    """
    succession = Succession()
    try:
        yield from _operation_problems(where, OperationLog(where).read(), succession)
    except (Damaged, UnknownFormat) as error:
        yield _damage(error)
    try:
        pins.read(where)
    except (Damaged, UnknownFormat) as error:
        yield _damage(error)
    try:
        found = survey(where)
        yield from map(_damage, found.damage)
        yield from _file_problems(found, succession)
        yield from _family_problems(where, found, succession)
        yield from _strangers(where)
    except Damaged as error:
        yield _damage(error)
    yield from _exposed(where)


def content_problems(where: Layout) -> Iterator[Problem]:
    """Files that do not hash to what their manifest says. Needs no lock: what is published never changes."""
    try:
        revisions = survey(where).revisions
    except Damaged as error:
        yield _damage(error)
        return
    for revision in revisions:
        try:
            check_content(revision)
        except Damaged as error:
            yield _damage(error)


def _damage(error: Damaged | UnknownFormat) -> Problem:
    return Problem(kind=ProblemKind.DAMAGE, path=error.path, what=error.why)


def _operation_problems(
    where: Layout, operations: Sequence[Operation], succession: Succession
) -> Iterator[Problem]:
    """Replays the operations into `succession`; then names the files that HEAD does not reach."""
    for operation in operations:
        why = succession.objection(operation.kind, operation.revision)
        if operation.champion_before != succession.champion:
            why = f"says the champion was {operation.champion_before}, and it was {succession.champion}"
        if why is not None:
            yield Problem(kind=ProblemKind.DAMAGE, path=where.operation(operation.number), what=why)
        succession.apply(operation)
    reached = {where.operation(operation.number) for operation in operations}
    orphan = where.operation(len(operations) + 1)
    for path in entries(where.operations):
        if path == orphan:
            what = "an operation that never counted; the next one replaces it"
            yield Problem(kind=ProblemKind.LEFTOVER, path=path, what=what)
        elif operation_number(path.name) is not None and path not in reached:
            yield Problem(kind=ProblemKind.DAMAGE, path=path, what="an operation that HEAD does not reach")


def _file_problems(found: Survey, succession: Succession) -> Iterator[Problem]:
    for revision in found.revisions:
        retired = succession.state(revision.id) is RevisionState.RETIRED
        try:
            check_shape(revision, may_lack=retired)
        except Damaged as error:
            yield _damage(error)


def _family_problems(where: Layout, found: Survey, succession: Succession) -> Iterator[Problem]:
    """Revisions that must be there and are not: parents, subjects of operations, gaps in the numbers."""
    wanted = dict.fromkeys(sorted(succession.named), "missing, though an operation names it")
    for revision in found.revisions:
        wanted[revision.parent] = f"missing, though {revision.ref} was built on it"
    for pinned in _pinned(where):
        wanted.setdefault(pinned, "missing, though it is pinned")
    for revision_id, what in wanted.items():
        if revision_id != BARE_ID and not where.revision(revision_id).exists():
            yield Problem(kind=ProblemKind.DAMAGE, path=where.revision(revision_id), what=what)
    if found.damage:
        return  # a missing number may be one of those that cannot be read
    for expected, revision in enumerate(found.revisions, start=1):
        if revision.number != expected:
            gap = revision.number > expected
            what = f"r{expected} is missing" if gap else f"{revision.ref} is there twice"
            yield Problem(kind=ProblemKind.DAMAGE, path=where.revisions, what=what)
            return


def _pinned(where: Layout) -> frozenset[str]:
    try:
        return pins.read(where)
    except (Damaged, UnknownFormat):  # listed already
        return frozenset()


def _strangers(where: Layout) -> Iterator[Problem]:
    for path in entries(where.staging):
        what = "staged and not published; discard it unless a run is on"
        yield Problem(kind=ProblemKind.LEFTOVER, path=path, what=what)
    ours = {where.head, where.lock, where.pins, where.operations, where.revisions, where.staging}
    for folder in (where.root, where.operations, where.revisions):
        for path in entries(folder):
            known = operation_number(path.name) is not None or layout.REVISION_ID.fullmatch(path.name)
            if path not in ours and not known:
                what = "half written; the next operation removes it" if is_partial(path.name) else "not ours"
                yield Problem(kind=ProblemKind.LEFTOVER, path=path, what=what)


def _exposed(where: Layout) -> Iterator[Problem]:
    # What is being staged lies below a private directory and is made private when it is published.
    for path in (where.root, *sorted(where.root.rglob("*"))):
        if where.staging in path.parents or path.is_symlink():
            continue
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Problem(
                kind=ProblemKind.EXPOSED, path=path, what="others may read it; run chmod go-rwx on it"
            )
