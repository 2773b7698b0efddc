"""One JSON document of the registry: canonical bytes, a format tag, and typed fields.

Each document is vouched for by a digest of its bytes that stands elsewhere: a manifest by its revision's
id, an operation by the next one or by HEAD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters import reading
from adapters.digest import Json, canonical, digest, parse
from adapters.errors import Damaged, UnknownFormat


def encode(format_: str, fields: Mapping[str, object]) -> bytes:
    """The bytes of a document. ValueError for what is not JSON."""
    return canonical({"format": format_, **fields})


def moment(at: datetime) -> str:
    """A time with a zone as UTC text. ValueError without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC).isoformat()


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read; each accessor raises Damaged when its field is not what it says."""

    path: Path
    fields: Mapping[str, Json]
    digest: str

    @classmethod
    def read(cls, path: Path, format_: str) -> Document:
        """Raises Damaged when the file is missing, unreadable or no document of this format; UnknownFormat
        when a newer version wrote it. The caller compares the digest.
        """
        data = reading.content(path)
        try:
            fields = parse(data)
        except ValueError as error:
            raise Damaged(path, f"not valid JSON ({error})") from None
        if not isinstance(fields, dict):
            raise Damaged(path, "not a JSON object")
        found = fields.pop("format", None)
        if found != format_:
            if isinstance(found, str) and found.partition("/")[0] == format_.partition("/")[0]:
                raise UnknownFormat(path, found, format_)
            raise Damaged(path, f"not a document of format {format_}")
        return cls(path=path, fields=fields, digest=digest(data))

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise Damaged(self.path, f"{name} is not a string")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.fields.get(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Damaged(self.path, f"{name} is not a whole number")
        return value

    def mapping(self, name: str) -> dict[str, Json]:
        value = self.fields.get(name)
        if not isinstance(value, dict):
            raise Damaged(self.path, f"{name} is not an object")
        return value

    def inner(self, name: str) -> Document:
        """The object in field `name`, as a document of the same file."""
        return Document(path=self.path, fields=self.mapping(name), digest=self.digest)

    def moment(self, name: str) -> datetime:
        try:
            at = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise Damaged(self.path, f"{name} is not a time") from None
        if at.tzinfo is None:
            raise Damaged(self.path, f"{name} has no time zone")
        return at
