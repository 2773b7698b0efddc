"""What a checker is: a preference made decidable, so that a machine can say whether an answer keeps it.

A checker is a pure value: it reads one message and nothing else, never raises on any text, and comes
back from its JSON equal to itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from store.records import Json, Message


@dataclass(frozen=True, kw_only=True)
class Checker(ABC):
    """One decidable preference. Fields are JSON values; invalid ones raise ValueError when it is made."""

    kind: ClassVar[str]

    @abstractmethod
    def passes(self, message: Message) -> bool:
        """Does the completion keep the preference? An empty completion keeps none."""

    @abstractmethod
    def applies_to(self, message: Message) -> bool:
        """Is this a completion that the preference speaks about?"""

    @abstractmethod
    def describe(self) -> str:
        """The preference in a few words, for people: "at most 2 sentences"."""

    def amend(self, content: str, *, superseded: Checker) -> str | None:  # noqa: ARG002
        """The same text in this style where it showed the superseded one; None where that cannot be done."""
        return None

    def rework(self, content: str) -> str | None:  # noqa: ARG002
        """The text with as little as possible taken away or added so that it keeps the preference; None where
        rules cannot do that."""
        return None

    def ignore(self, literals: tuple[str, ...]) -> Checker:  # noqa: ARG002
        """This checker, blind to literals that other preferences ask for at the edges of an answer."""
        return self

    def to_json(self) -> dict[str, Json]:
        """Only JSON values, with `kind` to find the class again; empty optional parts are left out."""
        document: dict[str, Json] = {"kind": self.kind}
        for item in fields(self):
            value = getattr(self, item.name)
            if value != ():
                document[item.name] = list(value) if isinstance(value, tuple) else value
        return document


@dataclass(frozen=True, kw_only=True)
class StyleChecker(Checker):
    """A checker of prose: it speaks about completions that answer, not about those that call tools."""

    def passes(self, message: Message) -> bool:
        return bool(message.content.strip()) and self.holds(message.content)

    def applies_to(self, message: Message) -> bool:
        return not message.tool_calls

    @abstractmethod
    def holds(self, text: str) -> bool:
        """Does this text, which is not blank, keep the preference?"""

    def rework(self, content: str) -> str | None:
        if content.strip() and self.holds(content):
            return content
        reworked = self._reworked(content)
        return reworked if reworked and reworked.strip() and self.holds(reworked) else None

    def _reworked(self, content: str) -> str | None:  # noqa: ARG002
        """A try at text that keeps the preference, from text that does not."""
        return None


@dataclass(frozen=True, kw_only=True)
class RestrictiveChecker(StyleChecker):
    """A style checker that counts or forbids.

    `ignoring` holds literals that it does not see at the very start or end of an answer. Without it
    "at most two sentences" and "end with “Fair winds!”" could not both be kept by two sentences and
    the sign-off. Whoever knows all active preferences binds it (persona.distill).
    """

    ignoring: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.ignoring, (list, tuple)):
            raise ValueError(f"checker {self.kind!r}: ignoring must be a list")  # noqa: TRY004  # one error for all
        object.__setattr__(self, "ignoring", tuple(self.ignoring))
        for literal in self.ignoring:
            require_text(self.kind, "ignoring", literal)

    def ignore(self, literals: tuple[str, ...]) -> Self:
        return replace(self, ignoring=literals)


def require_text(kind: str, name: str, value: Any) -> None:
    """Raise ValueError unless the field holds text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"checker {kind!r}: {name} must be text, not {value!r}")


def require_count(kind: str, name: str, value: Any) -> None:
    """Raise ValueError unless the field holds a whole number above zero."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"checker {kind!r}: {name} must be a whole number above zero, not {value!r}")
