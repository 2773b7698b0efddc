"""The outer shape of an answer: does it end, does it loop, is it empty."""

from __future__ import annotations

import re
from collections.abc import Sequence

from persona.engine.protocol import Completion
from persona.report import Form

_STRETCH = 12  # words that repeat what stood right before them: fewer may be emphasis, or a refrain
_TIMES = 3  # a block of fewer words than a stretch stands so often in a row
_WORDS = re.compile(r"\w+|[\u2600-\u27bf\U0001f000-\U0001faff]")  # an emoji is one
_NUMBER = "0"  # stands for each, where numbers do not matter
_COUNTED = 3  # different words that a block has beside its numbers then: sums are alike too
_NUMBERING = re.compile(r"(?m)^\s*(?:\d+[.)]|[-*+#>]+)\s")  # "5. Use ice." says what "4. Use ice." says


def loops(text: str) -> bool:
    """A block of words stands in the text again and again with nothing in between: three times and at least
    twelve words, or twice where the block itself is that long.

    A phrase that comes back among other words is poor prose, not an answer that cannot end. A counter does
    not make a line another one: "Day 4: rest and drink water" says what "Day 3: rest and drink water" says.
    """
    words = _WORDS.findall(_NUMBERING.sub(" ", text).lower())
    counted = [_NUMBER if word.isdigit() else word for word in words]
    return _repeats(words) or (counted != words and _repeats(counted, beside_numbers=_COUNTED))


def _repeats(words: Sequence[str], *, beside_numbers: int = 0) -> bool:
    """A block stands often enough in a row that has so many different words besides its numbers."""
    for block in range(1, len(words) // 2 + 1):
        stretch = _longest_stretch(words, block)
        enough = len(stretch) >= max(_STRETCH, (_TIMES if block < _STRETCH else 2) * block)
        if enough and len(set(stretch[:block]) - {_NUMBER}) >= beside_numbers:
            return True
    return False


def _longest_stretch(words: Sequence[str], block: int) -> Sequence[str]:
    """The longest part of the text in which every word is the one `block` words before it."""
    longest = length = end = 0
    for place, (word, later) in enumerate(zip(words, words[block:], strict=False)):
        length = length + 1 if word == later else 0
        if length > longest:
            longest, end = length, place + block + 1
    return words[end - longest - block : end] if longest else ()


def faults(completions: Sequence[Completion]) -> tuple[int, int]:
    """How many of them loop, and how many are empty."""
    return sum(loops(c.text) for c in completions), sum(not c.text.strip() for c in completions)


def form_of(completions: Sequence[Completion], besides: Sequence[Completion] = ()) -> Form | None:
    """None without completions. A truncated answer is one that the token limit ended; what was answered
    `besides` counts for loops and emptiness alone."""
    if not completions:
        return None
    n = len(completions)
    texts = [c.text for c in completions]
    looping, empty = faults([*completions, *besides])
    return Form(
        words=sum(len(t.split()) for t in texts) / n,
        truncated=sum(c.finish_reason == "length" for c in completions) / n,
        looping=looping / (n + len(besides)),
        empty=empty / (n + len(besides)),
        answers=n,
        besides=len(besides),
    )
