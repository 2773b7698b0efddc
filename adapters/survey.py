"""What the revisions on disk say of themselves: who is there, who cannot be read, whose files are intact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters import layout, manifest
from adapters.errors import Damaged, UnknownFormat
from adapters.layout import Layout
from adapters.reading import content_digest, entries
from adapters.revision import Revision


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """The revisions whose manifests vouch for themselves, by number, and the damage that hides others."""

    revisions: Sequence[Revision]
    damage: Sequence[Damaged | UnknownFormat]


def survey(where: Layout) -> Survey:
    """Read every manifest. Raises Damaged only when the directory of revisions itself cannot be read."""
    revisions: list[Revision] = []
    damage: list[Damaged | UnknownFormat] = []
    for folder in entries(where.revisions):
        if not layout.REVISION_ID.fullmatch(folder.name):
            continue
        try:
            revisions.append(manifest.read(folder))
        except (Damaged, UnknownFormat) as error:
            damage.append(error)
    return Survey(revisions=sorted(revisions, key=lambda revision: revision.number), damage=damage)


def check_shape(revision: Revision, *, may_lack: bool = False) -> None:
    """Raises Damaged unless the folder holds exactly the files of the manifest, each a plain file of its
    size. With `may_lack` some may be missing, as in an erased revision.
    """
    present = {path.name for path in entries(revision.path)}
    strangers = present - set(revision.files) - {layout.MANIFEST}
    if strangers:
        raise Damaged(revision.path, f"holds {', '.join(sorted(strangers))}, which it was published without")
    for name, record in revision.files.items():
        path = revision.path / name
        if may_lack and name not in present:
            continue
        if path.is_symlink() or not path.is_file():
            raise Damaged(path, "missing, or no plain file")
        size = path.stat().st_size
        if size != record.size:
            raise Damaged(path, f"{size} bytes instead of {record.size}")


def check_content(revision: Revision) -> None:
    """Raises Damaged when a file does not hash to its digest. Missing ones are check_shape's to name."""
    for name, record in revision.files.items():
        path = revision.path / name
        if path.exists() and content_digest(path) != record.digest:
            raise Damaged(path, "its content changed since it was published")
