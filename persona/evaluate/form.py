"""The outer shape of an answer: does it end, does it loop, is it empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from persona.engine.protocol import Completion
from persona.report import Form

LOOP_WORDS = 4
LOOP_REPEATS = 4


def loops(text: str) -> bool:
    """Some run of four words stands in the text at least four times."""
    words = text.lower().split()
    runs = Counter(tuple(words[i : i + LOOP_WORDS]) for i in range(len(words) - LOOP_WORDS + 1))
    return bool(runs) and runs.most_common(1)[0][1] >= LOOP_REPEATS


def form_of(completions: Sequence[Completion]) -> Form | None:
    """None without completions. A truncated answer is one that the token limit ended."""
    if not completions:
        return None
    n = len(completions)
    texts = [c.text for c in completions]
    return Form(
        words=sum(len(t.split()) for t in texts) / n,
        truncated=sum(c.finish_reason == "length" for c in completions) / n,
        looping=sum(map(loops, texts)) / n,
        empty=sum(not t.strip() for t in texts) / n,
        answers=n,
    )
