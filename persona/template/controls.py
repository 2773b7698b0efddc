"""Keeps text from acting as structure: control tokens inside contents are broken, and mended when read back.

A broken token has one more WORD JOINER (U+2060, without width) behind its first character than before, so
`mend(shield(text)) == text` and text without control tokens is left as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

JOINER = "\u2060"

# What a template spells out as structure: <|im_end|>, <start_of_turn>, </s>, <<SYS>>, [INST], [gMASK].
_LITERAL = re.compile(r"<{1,2}[|｜/]?[A-Za-z_▁][\w▁ ]*[|｜]?>{1,2}|\[/?[A-Za-z]*[A-Z][A-Z_]+\]")

# An assistant's own thoughts stand in its content; some templates look for them there.
_OWN_TO_ASSISTANT = frozenset({"<think>", "</think>"})


class Controls:
    """The control tokens of one template."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = tuple(sorted({token for token in tokens if len(token) > 2}, key=lambda t: (-len(t), t)))
        self._in_others = _Breaker(self.tokens)
        self._in_assistant = _Breaker([token for token in self.tokens if token not in _OWN_TO_ASSISTANT])

    def shield(self, value: Any, *, role: str = "user") -> Any:
        """`value` with the control tokens in all its strings broken; lists and mappings to any depth."""
        return _deep((self._in_assistant if role == "assistant" else self._in_others).break_up, value)

    def mend(self, value: Any) -> Any:
        """The reverse of `shield` for an assistant's message, which is what a model wrote."""
        return _deep(self._in_assistant.mend, value)

    def unsettled(self, text: str) -> int:
        """How many characters at the end `mend` may change once more of an assistant's text is there."""
        return self._in_assistant.unsettled(text)

    def first_in(self, text: str) -> str | None:
        """The control token that comes first in `text`."""
        return self._in_others.first_in(text)


class _Breaker:
    def __init__(self, tokens: Iterable[str]) -> None:
        bodies = [(re.escape(token[0]), re.escape(token[1:])) for token in tokens]
        # Only the first character is consumed, so a token that begins inside another is broken as well.
        self._whole = _any(f"{head}(?={JOINER}*{rest})" for head, rest in bodies)
        self._broken = _any(f"(?<={head}){JOINER}(?={JOINER}*{rest})" for head, rest in bodies)
        self._token = _any(head + rest for head, rest in bodies)
        begun = [(re.escape(token[0]), _beginning(token[1:])) for token in tokens]
        self._begun = _any(f"{head}(?:{JOINER}+{rest})?\\Z" for head, rest in begun)

    def break_up(self, text: str) -> str:
        return self._whole.sub(lambda match: match[0] + JOINER, text)

    def mend(self, text: str) -> str:
        return self._broken.sub("", text)

    def unsettled(self, text: str) -> int:
        match = self._begun.search(text)
        return len(text) - match.start() if match else 0

    def first_in(self, text: str) -> str | None:
        match = self._token.search(text)
        return match[0] if match else None


def literal_tokens(source: str) -> set[str]:
    """The control tokens that a template's source spells out."""
    return set(_LITERAL.findall(source))


def _beginning(text: str) -> str:
    """A pattern of every proper beginning of `text`, the empty one included."""
    pattern = ""
    for character in reversed(text[:-1]):
        pattern = f"(?:{re.escape(character)}{pattern})?"
    return pattern


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)")


def _deep(change: Any, value: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_deep(change, key): _deep(change, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_deep(change, item) for item in value]
    return value
