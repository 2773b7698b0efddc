"""Literal openings and closings that come again: the short phrases at the edges of many answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from persona.checker.prose import is_item, without_code

_MOST_WORDS = 8  # a longer sentence that comes again is content
_FEWEST_CONVERSATIONS = 4
_MOST_PHRASES = 4
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)*_]*\s+")
_HEAD = re.compile(r"\A([^\n,:;.!?—–]{2,40}(?:[,:!.]|\s[—–]))(?=\s|\Z)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_EMPHASIS = "*_ \t>"


def endings(text: str) -> set[str]:
    """The last line and the last sentence, where they are short, and more than the whole answer."""
    lines = _lines(text)
    if not lines or is_item(lines[-1]) or _HEADING.match(lines[-1]):
        return set()
    found = {_SENTENCE.split(lines[-1])[-1].strip(_EMPHASIS)}
    if len(lines) > 1:
        found.add(lines[-1].strip(_EMPHASIS))
    return {phrase for phrase in found if _is_phrase(phrase) and phrase != text.strip()}


def openings(text: str) -> set[str]:
    """The first line, the first sentence, and what stands before a first comma or colon, if short."""
    lines = _lines(text)
    if not lines or is_item(lines[0]) or _HEADING.match(lines[0]):
        return set()
    found = {_SENTENCE.split(lines[0])[0].strip(_EMPHASIS)}
    if len(lines) > 1:
        found.add(lines[0].strip(_EMPHASIS))
    if head := _HEAD.match(lines[0].strip(_EMPHASIS)):
        found.add(head[1].strip(_EMPHASIS))
    return {phrase for phrase in found if _is_phrase(phrase) and phrase != text.strip()}


def recurring(texts: Iterable[tuple[str, Sequence[str]]], edges: Callable[[str], set[str]]) -> list[str]:
    """The phrases at the edges of answers in several conversations, as they are mostly written, most first.

    `texts` are pairs of a conversation and its answers. A phrase that only ever stands inside another of
    them is left out.
    """
    talks: dict[str, set[str]] = {}
    written: dict[str, Counter[str]] = {}
    for conversation, answers in texts:
        for phrase in (phrase for answer in answers for phrase in edges(answer)):
            key = " ".join(phrase.casefold().split())
            talks.setdefault(key, set()).add(conversation)
            written.setdefault(key, Counter())[phrase] += 1
    often = sorted(
        (key for key in talks if len(talks[key]) >= _FEWEST_CONVERSATIONS),
        key=lambda key: (-len(talks[key]), -len(key), key),
    )
    kept: list[str] = []
    for key in often:
        if not any(talks[key] <= talks[other] and key in other for other in kept):
            kept.append(key)
    return [max(written[key].items(), key=lambda item: (item[1], item[0]))[0] for key in kept[:_MOST_PHRASES]]


def _lines(text: str) -> list[str]:
    return [line for line in without_code(text).split("\n") if line.strip()]


def _is_phrase(phrase: str) -> bool:
    return 0 < len(phrase.split()) <= _MOST_WORDS and any(char.isalpha() for char in phrase)
