"""manifest.json: what a revision was built from and the digest and size of each of its files.

The manifest is written last and its hash is the revision's id, so a revision vouches for itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import layout
from adapters.digest import short_id
from adapters.document import Document, encode, moment
from adapters.errors import Damaged
from adapters.revision import BaseRef, Build, FileRecord, Revision

FORMAT = "adapters.manifest/1"
_BASE_FIELDS = tuple(field.name for field in dataclasses.fields(BaseRef))


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """A manifest ready to be written: the id that it gives the revision, and its bytes."""

    id: str
    data: bytes


def seal(build: Build, *, number: int, files: Mapping[str, FileRecord]) -> Sealed:
    """The manifest of `build` published as r<number> with these files."""
    fields = _fields(build, number=number, files=files)
    revision_id = _id_of(fields)
    return Sealed(id=revision_id, data=encode(FORMAT, {**fields, "id": revision_id}))


def read(folder: Path) -> Revision:
    """The revision in `folder`, vouched for by its manifest; its other files are not looked at.

    Raises Damaged, or UnknownFormat when a newer version wrote it.
    """
    document = Document.read(folder / layout.MANIFEST, FORMAT)
    revision = _revision(document, folder)
    if revision.id != folder.name:
        raise Damaged(document.path, f"belongs to {revision.id}")
    if _id_of({name: value for name, value in document.fields.items() if name != "id"}) != revision.id:
        raise Damaged(document.path, "its content does not hash to its id")
    if document.text("build_key") != revision.build_key:
        raise Damaged(document.path, "its build key does not follow from its inputs")
    return revision


def _id_of(fields: Mapping[str, object]) -> str:
    return short_id("rev", {"format": FORMAT, **fields})


def _fields(build: Build, *, number: int, files: Mapping[str, FileRecord]) -> dict[str, Any]:
    return {
        "number": number,
        "identity": build.identity,
        "parent": build.parent,
        "base": {name: getattr(build.base, name) for name in _BASE_FIELDS},
        "snapshot": build.snapshot,
        "recipe": build.recipe,
        "seed": build.seed,
        "versions": build.versions,
        "created_at": moment(build.created_at),
        "build_key": build.build_key,
        "files": {name: {"digest": record.digest, "size": record.size} for name, record in files.items()},
    }


def _revision(document: Document, folder: Path) -> Revision:
    base = document.inner("base")
    files = document.inner("files")
    try:
        return Revision(
            id=document.text("id"),
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
    except ValueError as error:  # what Build refuses, seal() never wrote
        raise Damaged(document.path, str(error)) from None


def _file_record(entry: Document) -> FileRecord:
    return FileRecord(digest=entry.text("digest"), size=entry.integer("size"))
