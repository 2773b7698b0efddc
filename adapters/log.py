"""The operation log on disk: operations/NNNNNN.json, and HEAD, whose replacement is the one commit point.

An operation file that HEAD does not reach is what a crash between the two writes leaves. It never counted,
and the next append replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters import operation
from adapters.digest import digest
from adapters.document import Document, encode
from adapters.durable import sweep, write_file
from adapters.errors import Damaged
from adapters.layout import Layout, operation_number
from adapters.operation import Operation
from adapters.reading import entries

HEAD_FORMAT = "adapters.head/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The last operation: its number, 0 before the first, and its digest, None before the first."""

    number: int
    digest: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """The operations up to one HEAD, oldest first."""

    head: Head
    operations: tuple[Operation, ...]


_NOTHING = Reached(head=Head(number=0, digest=None), operations=())


class OperationLog:
    """Reads need no lock, since what HEAD reaches never changes; appends need the registry's.

    What was read once is kept: it stays true as long as HEAD's chain leads back to it.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known = _NOTHING

    def exists(self) -> bool:
        """Whether a log was ever started here. One that lost its HEAD exists, and reading it says so."""
        if self._layout.head.exists():
            return True
        operations = self._layout.operations
        return operations.exists() and any(operation_number(path.name) for path in entries(operations))

    def start(self) -> None:
        """Write the HEAD of an empty log. Call with the lock held."""
        self._write_head(_NOTHING.head)

    def read(self) -> tuple[Operation, ...]:
        """Every operation, oldest first, checked link by link from HEAD. Raises Damaged."""
        head = self._read_head()
        known = self._known
        newer = []
        number, wanted = head.number, head.digest
        while Head(number=number, digest=wanted) != known.head:
            if number == 0:
                known = _NOTHING
                break
            document = Document.read(self._layout.operation(number), operation.FORMAT)
            link = Operation.decode(document)
            if document.digest != wanted or link.number != number:
                raise Damaged(document.path, "not the operation that its successor or HEAD names")
            newer.append(link)
            number, wanted = number - 1, link.parent
        if number == 0 and wanted is not None:
            raise Damaged(self._layout.operation(1), "names a parent, though it is the first")
        self._known = Reached(head=head, operations=(*known.operations, *reversed(newer)))
        return self._known.operations

    def append(self, entry: Operation) -> None:
        """Durable on return; readers see all of it or nothing. Call with the lock held."""
        sweep(self._layout.operations)
        sweep(self._layout.root)
        write_file(self._layout.operation(entry.number), entry.encode())
        self._write_head(Head(number=entry.number, digest=entry.digest))

    def _read_head(self) -> Head:
        document = Document.read(self._layout.head, HEAD_FORMAT)
        head = Head(number=document.integer("operation"), digest=document.optional_text("digest"))
        # Nothing vouches for HEAD's bytes, so they must be exactly those that would be written.
        if document.digest != digest(_encode_head(head)) or (head.number == 0) != (head.digest is None):
            raise Damaged(document.path, "names no operation")
        return head

    def _write_head(self, head: Head) -> None:
        write_file(self._layout.head, _encode_head(head))


def _encode_head(head: Head) -> bytes:
    return encode(HEAD_FORMAT, {"operation": head.number, "digest": head.digest})
