"""Operation: one entry of the append-only log of promote, rollback, reject and retire.

Each names the digest of its parent, and HEAD the digest of the last, so HEAD vouches for the whole log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from adapters.digest import digest
from adapters.document import Document, encode, moment
from adapters.errors import Damaged

FORMAT = "adapters.operation/1"


class OperationKind(StrEnum):
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    REJECT = "reject"
    RETIRE = "retire"


TAKES_OFFICE = frozenset({OperationKind.PROMOTE, OperationKind.ROLLBACK})  # those that change the champion


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """`champion_before` is the champion that the operation found; `parent` is None for the first."""

    number: int
    kind: OperationKind
    revision: str
    champion_before: str
    reason: str
    at: datetime
    parent: str | None

    @property
    def digest(self) -> str:
        return digest(self.encode())

    def encode(self) -> bytes:
        return encode(
            FORMAT,
            {
                "number": self.number,
                "kind": self.kind.value,
                "revision": self.revision,
                "champion_before": self.champion_before,
                "reason": self.reason,
                "at": moment(self.at),
                "parent": self.parent,
            },
        )

    @classmethod
    def decode(cls, document: Document) -> Operation:
        """Raises Damaged."""
        try:
            kind = OperationKind(document.text("kind"))
        except ValueError as error:
            raise Damaged(document.path, str(error)) from None
        return cls(
            number=document.integer("number"),
            kind=kind,
            revision=document.text("revision"),
            champion_before=document.text("champion_before"),
            reason=document.text("reason"),
            at=document.moment("at"),
            parent=document.optional_text("parent"),
        )
