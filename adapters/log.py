"""The operation log on disk: operations/NNNNNN.json, and HEAD, whose replacement is the one commit point.

An operation file that HEAD does not reach is what a crash between the two writes leaves. It never counted,
and the next append replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters import operation as operation_file
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


class OperationLog:
    """Reads need no lock, since what HEAD reaches never changes; appends need the registry's."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def exists(self) -> bool:
        """Whether a log was ever started here. One that lost its HEAD exists, and reading it says so."""
        if self._layout.head.exists():
            return True
        operations = self._layout.operations
        return operations.exists() and any(operation_number(path.name) for path in entries(operations))

    def start(self) -> None:
        """Write the HEAD of an empty log. Call with the lock held."""
        self._write_head(Head(number=0, digest=None))

    def head(self) -> Head:
        """Raises Damaged."""
        document = Document.read(self._layout.head, HEAD_FORMAT)
        head = Head(number=document.integer("operation"), digest=document.optional_text("digest"))
        if head.number < 0 or (head.number == 0) != (head.digest is None) or len(document.fields) != 2:
            raise Damaged(document.path, "names no operation")
        return head

    def read(self) -> list[Operation]:
        """Every operation, oldest first, checked link by link from HEAD. Raises Damaged."""
        head = self.head()
        operations = []
        wanted = head.digest
        for number in range(head.number, 0, -1):
            path = self._layout.operation(number)
            operation = operation_file.read(path)
            if operation.digest != wanted or operation.number != number:
                raise Damaged(path, "not the operation that its successor or HEAD names")
            if (operation.parent is None) != (number == 1):
                raise Damaged(
                    path, "names no parent" if operation.parent is None else "first, yet has a parent"
                )
            operations.append(operation)
            wanted = operation.parent
        return operations[::-1]

    def append(self, operation: Operation) -> None:
        """Durable on return; readers see all of it or nothing. Call with the lock held."""
        sweep(self._layout.operations)
        sweep(self._layout.root)
        write_file(self._layout.operation(operation.number), operation.encode())
        self._write_head(Head(number=operation.number, digest=operation.digest))

    def _write_head(self, head: Head) -> None:
        write_file(self._layout.head, encode(HEAD_FORMAT, {"operation": head.number, "digest": head.digest}))
