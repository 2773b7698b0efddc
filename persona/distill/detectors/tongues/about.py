"""The [about] part of a language's table: whose wish a sentence is, and what speaks about a text, as patterns
on folded text that match anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Compile = Callable[[Iterable[str]], re.Pattern[str]]


@dataclass(frozen=True, kw_only=True)
class About:
    """`attributed`: to somebody else, inside the sentence itself: “…, said the teacher”. `texts`: what else
    in the message tells that the sentence is a text: “review this prompt”, “what does it mean?”.
    """

    attributed: re.Pattern[str]
    texts: re.Pattern[str]


def about(table: Mapping[str, Iterable[str]], *, reports: Iterable[str], words: Compile) -> About:
    """The compiled table; whatever `reports` is about somebody else in any case."""
    reporting = tuple(reports)
    phrases = (phrase for part in table.values() for phrase in part)
    return About(attributed=words([*table["attributed"], *reporting]), texts=words([*phrases, *reporting]))
