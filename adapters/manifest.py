"""manifest.json: what a revision was built from, and the digest and size of each of its files.

The hash of the manifest is the revision's id and so the name of its directory: a revision vouches for
itself, and no byte of it can change unnoticed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters import layout
from adapters.digest import digest
from adapters.document import Document, encode, moment
from adapters.errors import Damaged
from adapters.revision import BaseRef, Build, FileRecord, Revision

FORMAT = "adapters.manifest/1"
_ID_HEX = 24
_BASE_FIELDS = tuple(field.name for field in dataclasses.fields(BaseRef))


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """A manifest ready to be written: its bytes, and the id that they give the revision."""

    id: str
    data: bytes


def seal(build: Build, *, number: int, files: Mapping[str, FileRecord]) -> Sealed:
    """The manifest of `build` published as r<number> with these files."""
    data = encode(
        FORMAT,
        {
            "number": number,
            "identity": build.identity,
            "parent": build.parent,
            "base": {name: getattr(build.base, name) for name in _BASE_FIELDS},
            "snapshot": build.snapshot,
            "recipe": build.recipe,
            "seed": build.seed,
            "versions": build.versions,
            "created_at": moment(build.created_at),
            "files": {name: {"digest": record.digest, "size": record.size} for name, record in files.items()},
        },
    )
    return Sealed(id=_id_of(digest(data)), data=data)


def read(folder: Path) -> Revision:
    """The revision in `folder`, vouched for by its name; the files beside the manifest are not looked at.

    Raises Damaged, or UnknownFormat when a newer version wrote it.
    """
    document = Document.read(folder / layout.MANIFEST, FORMAT)
    if _id_of(document.digest) != folder.name:
        raise Damaged(document.path, "its content does not hash to its revision's id")
    base = document.inner("base")
    files = document.inner("files")
    return Revision(
        id=folder.name,
        number=document.integer("number"),
        identity=document.text("identity"),
        parent=document.text("parent"),
        base=BaseRef(**{name: base.text(name) for name in _BASE_FIELDS}),
        snapshot=document.text("snapshot"),
        recipe=document.mapping("recipe"),
        seed=document.integer("seed"),
        versions=document.mapping("versions"),
        created_at=document.moment("created_at"),
        files={name: _file_record(files.inner(name)) for name in files.fields},
        path=folder,
    )


def _id_of(manifest_digest: str) -> str:
    return f"rev-{manifest_digest.removeprefix('sha256:')[:_ID_HEX]}"


def _file_record(entry: Document) -> FileRecord:
    return FileRecord(digest=entry.text("digest"), size=entry.integer("size"))
