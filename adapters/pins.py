"""Revisions that someone wants to keep: one small document, replaced whole.

A pin says nothing about who is champion, so it is no operation. Without the file nothing is pinned.
"""

from __future__ import annotations

from collections.abc import Collection

from adapters.digest import digest
from adapters.document import Document, encode
from adapters.durable import write_file
from adapters.errors import Damaged
from adapters.layout import REVISION_ID, Layout

FORMAT = "adapters.pins/1"


def read(where: Layout) -> frozenset[str]:
    """Raises Damaged: who removes what is not pinned must not take damage for nothing."""
    if not where.pins.exists():
        return frozenset()
    document = Document.read(where.pins, FORMAT)
    found = document.fields.get("revisions")
    if not isinstance(found, list) or not all(
        isinstance(each, str) and REVISION_ID.fullmatch(each) for each in found
    ):
        raise Damaged(where.pins, "names no revisions")
    # Nothing vouches for these bytes, so they must be exactly those that would be written.
    if document.digest != digest(_encode(found)):
        raise Damaged(where.pins, "not as it was written")
    return frozenset(found)


def write(where: Layout, pinned: Collection[str]) -> None:
    """Durable on return. Call with the lock held."""
    write_file(where.pins, _encode(pinned))


def _encode(pinned: Collection[str]) -> bytes:
    return encode(FORMAT, {"revisions": sorted(pinned)})
