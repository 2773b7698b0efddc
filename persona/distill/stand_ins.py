"""Prompts that stand in for the user's own where too few of those are held out to judge a night by.

Everyday questions, shipped in the languages that persona reads; no practice, replay or drift has any of them,
so nothing trains on them. What all prose has to keep can be asked of them: no habit, no units, no code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from importlib import resources

from persona.checker import language_of
from store.records import Message

LANGUAGES = ("en", "de", "fr", "es", "it", "pt")
ANY_PROSE = Message(role="assistant", content="Yes.")
"""What an answer to one of them is at least; it says nothing about what the user wants."""


def stand_in_prompts(language: str) -> list[str]:
    """The shipped list of one of LANGUAGES, in the order in which they are asked."""
    shipped = resources.files("persona.distill").joinpath("stand_in_prompts", f"{language}.txt")
    return shipped.read_text("utf-8").splitlines()


def usual_language(texts: Iterable[str]) -> str:
    """The one that most of the texts are in; English where that is none of LANGUAGES, or nothing tells."""
    told = Counter(language for text in texts if (language := language_of(text)) is not None)
    usual = [language for language, _ in told.most_common(1)]
    return usual[0] if usual and usual[0] in LANGUAGES else LANGUAGES[0]
