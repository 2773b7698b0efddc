"""Re-derives everything that a registry claims and lists what is not so; it changes nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from adapters import durable, layout, manifest, safetensors
from adapters.digest import digest_file
from adapters.errors import Damaged, NotPublishable, RegistryError, UnknownFormat
from adapters.layout import Layout, operation_number
from adapters.log import OperationLog
from adapters.operation import Operation
from adapters.revision import BARE_ID, Revision
from adapters.succession import Succession


class ProblemKind(StrEnum):
    DAMAGE = "damage"  # something is not what it was written as, or is gone
    EXPOSED = "exposed"  # others on this machine may read it
    LEFTOVER = "leftover"  # harmless: what a crash or a run in progress left


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is not as it should be."""

    kind: ProblemKind
    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.path}: {self.what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """The revisions whose manifests vouch for themselves, by number, and the damage that hides others."""

    revisions: Sequence[Revision]
    damage: Sequence[RegistryError]


def survey(where: Layout) -> Survey:
    """Read every manifest."""
    revisions, damage = [], []
    for folder in sorted(where.revisions.iterdir()):
        if not layout.REVISION_ID.fullmatch(folder.name):
            continue
        try:
            revisions.append(manifest.read(folder))
        except (Damaged, UnknownFormat) as error:
            damage.append(error)
    return Survey(revisions=sorted(revisions, key=lambda revision: revision.number), damage=damage)


def check_files(revision: Revision, *, deep: bool) -> None:
    """Raises Damaged unless the folder holds exactly the files of the manifest, in their sizes and, when
    `deep`, with their digests.
    """
    present = {path.name for path in revision.path.iterdir()}
    strangers = present - set(revision.files) - {layout.MANIFEST}
    if strangers:
        raise Damaged(revision.path, f"holds {', '.join(sorted(strangers))}, which were not published")
    for name, record in revision.files.items():
        path = revision.path / name
        if name not in present or path.is_symlink() or not path.is_file():
            raise Damaged(path, "missing, or no plain file")
        if path.stat().st_size != record.size:
            raise Damaged(path, f"{path.stat().st_size} bytes instead of {record.size}")
        if deep:
            try:
                found = digest_file(path)
            except OSError as error:
                raise Damaged(path, f"cannot be read: {error.strerror}") from error
            if found != record.digest:
                raise Damaged(path, "its content changed since it was published")
    if deep:
        try:
            safetensors.read_header(revision.path / layout.WEIGHTS)
        except NotPublishable as error:
            raise Damaged(revision.path / layout.WEIGHTS, str(error)) from None


def problems(where: Layout, *, deep: bool) -> Iterator[Problem]:
    """Everything wrong with the registry at `where`. Call while no mutation is under way."""
    found = survey(where)
    yield from (_damage(error) for error in found.damage)
    yield from _revision_problems(found, deep=deep)
    yield from _log_problems(where, {revision.id for revision in found.revisions}, len(found.damage))
    yield from _leftovers(where)
    yield from _exposed(where)


def _damage(error: RegistryError) -> Problem:
    if isinstance(error, Damaged):
        return Problem(kind=ProblemKind.DAMAGE, path=error.path, what=error.why)
    assert isinstance(error, UnknownFormat)
    return Problem(kind=ProblemKind.DAMAGE, path=error.path, what=str(error))


def _revision_problems(found: Survey, *, deep: bool) -> Iterator[Problem]:
    known = {revision.id: revision for revision in found.revisions}
    for revision in found.revisions:
        try:
            check_files(revision, deep=deep)
        except Damaged as error:
            yield _damage(error)
        if revision.parent != BARE_ID and (
            revision.parent not in known or known[revision.parent].number >= revision.number
        ):
            yield Problem(
                kind=ProblemKind.DAMAGE, path=revision.path, what=f"its parent {revision.parent} is missing"
            )
    if not found.damage:  # else the gap is the damaged one
        numbers = [revision.number for revision in found.revisions]
        for wanted, number in enumerate(numbers, start=1):
            if number != wanted:
                what = f"r{wanted} is missing" if number > wanted else f"r{number} is there twice"
                yield Problem(
                    kind=ProblemKind.DAMAGE, path=found.revisions[wanted - 1].path.parent, what=what
                )
                break


def _log_problems(where: Layout, known: set[str], hidden: int) -> Iterator[Problem]:
    log = OperationLog(where)
    try:
        operations = log.read()
    except (Damaged, UnknownFormat) as error:
        yield _damage(error)
        return
    yield from _succession_problems(where, operations)
    for revision in sorted({operation.revision for operation in operations} - known - {BARE_ID}):
        if not hidden or not where.revision(revision).exists():  # else named as damaged already
            yield Problem(
                kind=ProblemKind.DAMAGE,
                path=where.revision(revision),
                what="missing, though the log names it",
            )
    for path in sorted(where.operations.iterdir()):
        number = operation_number(path.name)
        if number is not None and number == len(operations) + 1:
            yield Problem(
                kind=ProblemKind.LEFTOVER,
                path=path,
                what="an operation that never counted; the next one replaces it",
            )
        elif number is not None and (number > len(operations) or path != where.operation(number)):
            yield Problem(kind=ProblemKind.DAMAGE, path=path, what="an operation that HEAD does not reach")


def _succession_problems(where: Layout, operations: Sequence[Operation]) -> Iterator[Problem]:
    succession = Succession()
    for operation in operations:
        why = succession.objection(operation.kind, operation.revision)
        if operation.champion_before != succession.champion:
            why = f"found {operation.champion_before} as champion, and it was {succession.champion}"
        if why is not None:
            yield Problem(kind=ProblemKind.DAMAGE, path=where.operation(operation.number), what=why)
        succession.apply(operation)


def _leftovers(where: Layout) -> Iterator[Problem]:
    for path in sorted(where.staging.iterdir()):
        yield Problem(
            kind=ProblemKind.LEFTOVER, path=path, what="staged and not published; discard it if no run is on"
        )
    ours = {where.head, where.lock, where.operations, where.revisions, where.staging}
    for folder in (where.root, where.operations, where.revisions):
        for path in sorted(folder.iterdir()):
            if (
                path in ours
                or operation_number(path.name) is not None
                or layout.REVISION_ID.fullmatch(path.name)
            ):
                continue
            what = (
                "half written; the next mutation removes it" if durable.is_partial(path.name) else "not ours"
            )
            yield Problem(kind=ProblemKind.LEFTOVER, path=path, what=what)


def _exposed(where: Layout) -> Iterator[Problem]:
    for path in (where.root, *sorted(where.root.rglob("*"))):
        if stat.S_IMODE(path.lstat().st_mode) & 0o077 and not path.is_symlink():
            yield Problem(kind=ProblemKind.EXPOSED, path=path, what="others may read it; chmod go-rwx")
