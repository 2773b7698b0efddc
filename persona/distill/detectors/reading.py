"""A sentence as rules read it: without its sighs, with the words of its language and what stood before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from persona.distill.detectors.before import Before, words_of
from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.tongues import Tongue, plausible
from persona.distill.detectors.tongues.acts import Acts

SHORT = 10  # words of a sentence that may be about the answer alone
FRAGMENT = 4  # words that are no sentence
CLAUSE = re.compile(r"\s*[,–—:]\s*|\s+-\s+")
NUMBER = re.compile(r"\d")
_GAP = re.compile(r"[\s,.!:;…–—-]*")
_SMILES = re.compile(r"(?::-?[)D]|;-?\)|xd|\^\^|[\U0001F600-\U0001F64F])\s*[.!]*$", re.IGNORECASE)
_MOST_SIGHS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A sentence without the sighs before it, and what it is read with."""

    text: str
    sentence: Sentence
    tongue: Tongue
    before: Before

    @property
    def acts(self) -> Acts:
        return self.tongue.acts

    @property
    def words(self) -> tuple[str, ...]:
        return words_of(self.text)

    def is_fine(self, text: str = "") -> bool:
        return self.acts.fine.search(text or self.text) is not None

    def after(self, head: re.Pattern[str]) -> str | None:
        """What follows the head; None where the text does not begin with it."""
        found = head.match(self.text)
        if found is None:
            return None
        gap = _GAP.match(self.text, found.end())
        return self.text[gap.end() if gap else found.end() :]


def without_sighs(text: str, tongue: Tongue) -> Iterator[str]:
    """The text, and what is left of it when the words before its first that counts go, one by one."""
    for _ in range(_MOST_SIGHS):
        yield text
        sigh = tongue.one_soft_head.match(text)
        if sigh is None or sigh.end() == len(text):
            return
        text = text[sigh.end() :]


def smiles(sentence: Sentence) -> bool:
    """Does the sentence end with a smile? It is no serious judgement then."""
    return _SMILES.search(sentence.text) is not None


def praises(sentence: Sentence, tongue: Tongue) -> bool:
    """Is the sentence content with the answer, whatever words it has: “perfect, not too long”?"""
    text = sentence.text
    if sentence.asks or tongue.but.search(text) or tongue.may_ask.search(text):
        return False
    if any(each.reports.search(text) for each in plausible(text)):
        return False
    soft = tongue.soft_head.match(text)
    for start in {0, soft.end() if soft else 0}:
        if tongue.acts.praise.match(text, start):
            return True
    found = tongue.acts.praise.search(text)
    return found is not None and not tongue.acts.denies.search(text[: found.start()] + text[found.end() :])
