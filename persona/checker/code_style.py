"""The style of code inside an answer: indentation, quotes, comments, type hints. Only fenced blocks count."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import StyleChecker
from persona.checker.prose import fenced
from store.records import Message

_COMMENT = re.compile(r"(?:^|\s)(?:#(?!!)|//)\s?\S|/\*|<!--|^\s*--\s", re.MULTILINE)
_INDENTED = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_SINGLE, _DOUBLE = re.compile(r"'[^'\"\n]*'"), re.compile(r"\"[^'\"\n]*\"")
_DEFINITION = re.compile(r"^\s*(?:async )?def \w+\((?P<arguments>[^)]*)\)(?P<returns>\s*->)?", re.MULTILINE)


def _indent(code: str) -> set[str]:
    widths = _INDENTED.findall(code)
    if not widths:
        return set()
    if any("\t" in width for width in widths):
        return {"tabs"}
    least = min(map(len, widths))
    return {str(least)} if least in (2, 4) else set()


def _quotes(code: str) -> set[str]:
    singles, doubles = len(_SINGLE.findall(code)), len(_DOUBLE.findall(code))
    if singles == doubles:
        return set()
    return {"single" if singles > doubles else "double"}


def _comments(code: str) -> set[str]:
    return {"some" if _COMMENT.search(code) else "none"} if code.strip() else set()


def _types(code: str) -> set[str]:
    found = list(_DEFINITION.finditer(code))
    if not found:
        return set()
    hinted = all(each["returns"] or ":" in each["arguments"] for each in found)
    return {"some" if hinted else "none"}


# Of each habit, what reads the styles that a block shows, and its styles with the words for them.
_HABITS: Mapping[str, tuple[Callable[[str], set[str]], Mapping[str, str]]] = {
    "indent": (
        _indent,
        {"2": "indented by two spaces", "4": "indented by four spaces", "tabs": "indented by tabs"},
    ),
    "quotes": (_quotes, {"single": "with single quotes", "double": "with double quotes"}),
    "comments": (_comments, {"none": "without comments", "some": "with comments"}),
    "types": (_types, {"some": "with type hints", "none": "without type hints"}),
}
HABITS: Mapping[str, tuple[str, ...]] = {habit: tuple(styles) for habit, (_, styles) in _HABITS.items()}


@dataclass(frozen=True, kw_only=True)
class CodeStyle(StyleChecker):
    """Where code shows one of the styles of `habit` (a key of HABITS), it is `style` and no other."""

    kind: ClassVar[str] = "code_style"
    habit: str
    style: str

    def __post_init__(self) -> None:
        if self.habit not in HABITS or self.style not in HABITS[self.habit]:
            known = "; ".join(f"{habit}: {', '.join(styles)}" for habit, styles in HABITS.items())
            raise ValueError(f"checker {self.kind!r}: {self.habit} {self.style} is none of {known}")

    def applies_to(self, message: Message) -> bool:
        return super().applies_to(message) and bool(self._shown(message.content))

    def holds(self, text: str) -> bool:
        return self._shown(text) <= {self.style}

    def describe(self) -> str:
        return f"code {_HABITS[self.habit][1][self.style]}"

    def _shown(self, text: str) -> set[str]:
        reads = _HABITS[self.habit][0]
        return {style for block in fenced(text) for style in reads(block)}
