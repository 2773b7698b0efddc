"""The revision registry: one directory of immutable revisions and an append-only log of who was champion.

Every mutation has one commit point and happens under the registry's lock; reads take no lock. Whatever is
killed or fails, the next open finds the old state or the new one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from adapters import layout, manifest, pins, staging
from adapters.durable import make_directory, publish_directory, remove_file, write_file
from adapters.errors import (
    AmbiguousRevision,
    ChampionMoved,
    NotAllowed,
    NotARegistry,
    UnknownRevision,
)
from adapters.layout import Layout
from adapters.lock import exclusive
from adapters.log import OperationLog
from adapters.operation import TAKES_OFFICE, Operation, OperationKind
from adapters.reading import entries
from adapters.revision import BARE, BARE_ID, Bare, Build, Revision, RevisionState
from adapters.succession import Succession
from adapters.survey import Survey, check_content, check_shape, survey
from adapters.verify import Problem, content_problems, shape_problems

_NUMBER = re.compile(r"r([0-9]{1,9})")
_SHORTEST_PREFIX = 4  # characters of an id, without "rev-"


def _now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """Safe to share between threads; any number of processes may have the same directory open."""

    def __init__(self, root: Path, *, clock: Callable[[], datetime]) -> None:
        self._layout = Layout(root)
        self._log = OperationLog(self._layout)
        self._clock = clock

    @classmethod
    def open(cls, root: Path, *, create: bool = True, clock: Callable[[], datetime] = _now) -> Registry:
        """The registry at `root`, made if it is not there. Raises NotARegistry when it is not to be made."""
        registry = cls(root, clock=clock)
        if not registry._log.exists():
            if not create:
                raise NotARegistry(root)
            registry._create()
        return registry

    @property
    def root(self) -> Path:
        return self._layout.root

    # Building

    def stage(self, name: str) -> Path:
        """A new private directory to fill and publish. Raises BadName, or NameTaken: discard it first."""
        return staging.stage(self._layout, name)

    def discard(self, name: str) -> None:
        """Remove what is staged under `name`, if anything."""
        staging.discard(self._layout, name)

    def staged(self) -> dict[str, Path]:
        """What was staged and neither published nor discarded, by name."""
        return {path.name: path for path in entries(self._layout.staging)}

    def publish(self, staged: Path, build: Build) -> Revision:
        """Make the staged files a revision, with the next free number, as a candidate. Durable on return.

        Raises NotPublishable when the files are not those of an adapter, UnknownRevision for the parent.
        `staged` is gone afterwards; after an error it is still there and may be published again.
        """
        files = staging.inspect(self._layout, staged)
        with exclusive(self._layout.lock):
            self._known(build.parent)
            sealed = manifest.seal(build, number=self._next_number(), files=files)
            write_file(staged / layout.MANIFEST, sealed.data)
            publish_directory(staged, self._layout.revision(sealed.id))
        return self._read(sealed.id)

    # Reading

    def survey(self) -> Survey:
        """Every revision that can be read, and the damage that hides others."""
        return survey(self._layout)

    def revisions(self) -> list[Revision]:
        """Every revision but r0, by number. Raises Damaged if one cannot be read; survey() goes on."""
        return list(self._intact(self.survey()).revisions)

    def resolve(self, ref: str) -> Revision | Bare:
        """What "r7", "r0", "base", "champion", a full id or the unique beginning of one stands for.

        Raises UnknownRevision, AmbiguousRevision, or Damaged when the one meant may be hidden by damage.
        """
        if ref == "champion":
            ref = self.champion()
        if ref in (BARE_ID, "base"):
            return BARE
        if layout.REVISION_ID.fullmatch(ref):
            return self._read(ref)
        found = self.survey()
        number = _NUMBER.fullmatch(ref)
        if number:
            matches = [revision for revision in found.revisions if revision.number == int(number[1])]
        else:
            start = ref.removeprefix("rev-")
            matches = [
                revision
                for revision in found.revisions
                if len(start) >= _SHORTEST_PREFIX and revision.id.removeprefix("rev-").startswith(start)
            ]
        if len(matches) > 1:
            raise AmbiguousRevision(ref, [revision.id for revision in matches])
        if not matches:
            self._intact(found)
            raise UnknownRevision(ref)
        return matches[0]

    def find_build(self, build_key: str) -> Revision | None:
        """The newest intact revision that was built from the same inputs, whatever its state."""
        for revision in reversed(self.survey().revisions):
            if revision.build_key == build_key:
                return revision
        return None

    def lineage(self, revision_id: str) -> list[Revision]:
        """The revision, its parent, and so on down to one that was built on the bare base."""
        line = []
        while revision_id != BARE_ID:
            line.append(self._read(revision_id))
            revision_id = line[-1].parent
        return line

    def check(self, revision_id: str) -> Revision:
        """The revision, every byte of it as published. Raises Damaged or UnknownRevision."""
        revision = self._read(revision_id)
        check_shape(revision)
        check_content(revision)
        return revision

    def verify(self, *, deep: bool = True) -> list[Problem]:
        """Everything that is not as it should be; `deep` hashes every file. Empty when all is well."""
        with exclusive(self._layout.lock):
            found = list(shape_problems(self._layout))
        if deep:
            named = {problem.path for problem in found}
            found += [problem for problem in content_problems(self._layout) if problem.path not in named]
        return found

    # The champion

    def operations(self) -> list[Operation]:
        """Oldest first. Raises Damaged."""
        return list(self._log.read())

    def champion(self) -> str:
        """Id of the revision in use, "r0" for the bare base. Raises Damaged."""
        return self._succession().champion

    def previous(self) -> str | None:
        """Where rollback() would go; None when there is nothing to go back to."""
        return self._succession().previous

    def line(self) -> tuple[str, ...]:
        """The champions that a rollback can go back through: r0 first, the present one last."""
        return self._succession().line

    def state(self, revision_id: str) -> RevisionState:
        return self._succession().state(self._known(revision_id))

    def states(self) -> dict[str, RevisionState]:
        """The state of every revision and of r0, by id; of damaged revisions too."""
        succession = self._succession()
        names = [path.name for path in entries(self._layout.revisions)]
        ids = [BARE_ID, *filter(layout.REVISION_ID.fullmatch, names)]
        return {revision_id: succession.state(revision_id) for revision_id in ids}

    def promote(self, revision_id: str, *, expected: str, reason: str) -> Operation:
        """Make it the champion if the champion still is `expected`; else ChampionMoved and nothing changes.

        Raises NotAllowed for r0, for the champion and for a retired revision, Damaged for a damaged one.
        """
        return self._append(OperationKind.PROMOTE, self._known(revision_id), reason=reason, expected=expected)

    def rollback(self, to: str | None = None, *, reason: str) -> Operation:
        """Make an earlier champion, any revision or r0 the champion; None means previous().

        Raises NotAllowed for the champion and for a retired revision, Damaged for a damaged one.
        """
        return self._append(OperationKind.ROLLBACK, None if to is None else self._known(to), reason=reason)

    def reject(self, revision_id: str, reason: str) -> Operation:
        """Put on record that it was judged and not taken. It may still be promoted by hand."""
        return self._append(OperationKind.REJECT, self._known(revision_id), reason=reason)

    def retire(self, revision_id: str, reason: str) -> Operation:
        """Take it out of service for good, damaged or not; it can never be the champion again."""
        return self._append(OperationKind.RETIRE, self._known(revision_id), reason=reason)

    def erase(self, revision_id: str) -> None:
        """Delete the adapter files of a retired revision for good. Its manifest, its number and its place in
        the lineage stay. Raises NotAllowed unless it is retired. Idempotent.
        """
        with exclusive(self._layout.lock):
            if self.state(revision_id) is not RevisionState.RETIRED:
                raise NotAllowed("erase", revision_id, "only a retired revision can be erased")
            for path in entries(self._layout.revision(revision_id)):
                if path.name != layout.MANIFEST:
                    remove_file(path)

    # Pins

    def pinned(self) -> frozenset[str]:
        """Ids of the revisions that someone wants to keep. Raises Damaged."""
        return pins.read(self._layout)

    def pin(self, revision_id: str) -> None:
        """Keep it through every clean-up. Idempotent. Raises UnknownRevision, NotAllowed when retired."""
        with exclusive(self._layout.lock):
            if self.state(revision_id) is RevisionState.RETIRED:
                raise NotAllowed("pin", revision_id, "it is retired, and that is for good")
            if revision_id != BARE_ID:  # which cannot be lost
                pins.write(self._layout, self.pinned() | {revision_id})

    def unpin(self, revision_id: str) -> None:
        """Idempotent."""
        with exclusive(self._layout.lock):
            pins.write(self._layout, self.pinned() - {revision_id})

    # Inside

    def _create(self) -> None:
        for folder in (self._layout.operations, self._layout.revisions, self._layout.staging):
            make_directory(folder)
        with exclusive(self._layout.lock):
            if not self._log.exists():
                self._log.start()

    def _succession(self) -> Succession:
        return Succession(self._log.read())

    def _append(
        self, kind: OperationKind, revision_id: str | None, *, reason: str, expected: str | None = None
    ) -> Operation:
        with exclusive(self._layout.lock):
            operations = self._log.read()
            succession = Succession(operations)
            if expected is not None and expected != succession.champion:
                raise ChampionMoved(expected, succession.champion)
            if revision_id is None:
                revision_id = succession.previous
                if revision_id is None:
                    raise NotAllowed(kind, succession.champion, "there is no champion before it")
            objection = succession.objection(kind, revision_id)
            if objection is not None:
                raise NotAllowed(kind, revision_id, objection)
            if kind in TAKES_OFFICE and revision_id != BARE_ID:
                self.check(revision_id)
            operation = Operation(
                number=len(operations) + 1,
                kind=kind,
                revision=revision_id,
                champion_before=succession.champion,
                reason=reason,
                at=self._clock(),
                parent=operations[-1].digest if operations else None,
            )
            self._log.append(operation)
            return operation

    def _known(self, revision_id: str) -> str:
        if revision_id != BARE_ID and not (
            layout.REVISION_ID.fullmatch(revision_id) and self._layout.revision(revision_id).is_dir()
        ):
            raise UnknownRevision(revision_id)
        return revision_id

    def _read(self, revision_id: str) -> Revision:
        return manifest.read(self._layout.revision(self._known(revision_id)))

    def _next_number(self) -> int:
        # Nothing removes revisions, so their count stands in for the number of one that cannot be read.
        found = self.survey()
        numbers = [revision.number for revision in found.revisions]
        return max([len(numbers) + len(found.damage), *numbers]) + 1

    @staticmethod
    def _intact(found: Survey) -> Survey:
        if found.damage:
            raise found.damage[0]
        return found
