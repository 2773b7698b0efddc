"""What rules take for a correction: it says no, judges the answer, says what was meant, or asks for a change.

Invariant: only the first thing that the user says counts, thanks and the like aside; behind a new request
nothing is a correction of the old answer. The judge weighs what is found here with everything else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from persona.distill.detectors.asking import asks, concludes
from persona.distill.detectors.before import NOTHING, Before, words_of
from persona.distill.detectors.objections import objects_to
from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.reading import praises, smiles, without_sighs
from persona.distill.detectors.tongues import Tongue, plausible

_LONGEST_CHANGE = 14  # words; longer sentences are no mere change of the answer
_LONGEST_QUESTION = 12
_NUMBER = re.compile(r"\s*[.:]?\s*\d")
_PAUSE = re.compile(r"\s*(?:[,.!:;…–—]|-\s|\Z)")
_CLAUSE = re.compile(r"\s*[,–—]\s*")
_AFTER_PAUSE = re.compile(r"[\s,.!:;…–—-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Correcting:
    """The sentences that correct, and the language in which they do.

    `plain`: they say so in words, and are not told by their form alone.
    """

    sentences: tuple[Sentence, ...]
    tongue: Tongue
    plain: bool = False


@lru_cache(maxsize=4096)
def correcting(sentences: tuple[Sentence, ...], asked: Before) -> Correcting | None:
    """The sentences that take the answer back; None where none do."""
    for tongue in plausible(" ".join(sentence.text for sentence in sentences)):
        start = first_that_says_something(sentences, tongue)
        if start == len(sentences) or tongue.gives_up.fullmatch(sentences[start].text):
            continue
        plain = _corrects(sentences, start, tongue, asked)
        count = 1 if plain else objects_to(sentences, start, tongue, asked)
        if count:
            end = start + count
            while end < len(sentences) and end < start + 3 and _goes_on(sentences[end], tongue):
                end += 1
            return Correcting(sentences=tuple(sentences[start:end]), tongue=tongue, plain=plain)
    return None


def first_that_says_something(sentences: Sequence[Sentence], tongue: Tongue) -> int:
    """The place of the first sentence that is more than thanks, a greeting or a sigh."""
    start = 0
    while start < len(sentences) and start < 3:
        text = sentences[start].text
        leaves = not start and len(sentences) > 1 and tongue.acts.leaves_play.search(text)
        if leaves or praises(sentences[start], tongue):
            start += 1
            continue
        soft = tongue.soft_head.match(text)
        begin = soft.end() if soft else 0
        if any(
            head.match(text, place)
            for head in (tongue.no_head, tongue.judgement_head)
            for place in (0, begin)
        ):
            break
        if tongue.courtesy.fullmatch(text) is None and not _thanks_for(text, tongue):
            break
        start += 1
    return start


def _thanks_for(text: str, tongue: Tongue) -> bool:
    return tongue.thanked.match(text) is not None and not tongue.but.search(text) and len(text.split()) <= 6


def _corrects(sentences: Sequence[Sentence], start: int, tongue: Tongue, asked: Before) -> bool:
    sentence = sentences[start]
    no = _says_no(sentence, tongue)
    rest = sentence.text[no:] if no else sentence.text
    if no is None:
        return _takes_back(sentence.text, sentence, tongue, asked, after_no=False)
    if _takes_back(rest, sentence, tongue, asked, after_no=True):
        return True
    if not (asked.offer or asked.question):
        return True
    following = sentences[start + 1] if start + 1 < len(sentences) else None
    return following is not None and _takes_back(following.text, following, tongue, asked, after_no=True)


def _says_no(sentence: Sentence, tongue: Tongue) -> int | None:
    """The end of the no at the start, where it is one to the answer."""
    text = sentence.text
    soft = tongue.soft_head.match(text)
    starts = [0, soft.end()] if soft else [0]
    for start in starts:
        no = tongue.no_head.match(text, start)
        if no is None:
            continue
        after = _AFTER_PAUSE.match(text, no.end())
        begin = after.end() if after else no.end()
        if _NUMBER.match(text, no.end()) or any(
            each.fine_after_no_head.match(text, begin) for each in plausible(text)
        ):
            return None
        if sentence.asks and sentence.words > _LONGEST_QUESTION:
            return None
        if _PAUSE.match(text, no.end()) or tongue.after_no_head.match(text, begin):
            return begin
    return None


def _takes_back(text: str, sentence: Sentence, tongue: Tongue, asked: Before, *, after_no: bool) -> bool:
    """Does this text, of this sentence, judge, explain or change the answer?"""
    for rest in without_sighs(text, tongue):
        if (not asked.question or tongue.acts.you_did.match(rest)) and _judges(rest, sentence, tongue):
            return True
        sighs = text[: len(text) - len(rest)]
        thanked = tongue.thanked.search(sighs) and not tongue.but.search(sighs)
        if not thanked and _means(rest, sentence, tongue, asked, after_no=after_no):
            return True
        if _changes(rest, sentence, tongue, asked, after_no=after_no):
            return True
    return False


def _judges(text: str, sentence: Sentence, tongue: Tongue) -> bool:
    found = tongue.judgement_head.match(text)
    if found is None or tongue.not_judgement.search(text) or tongue.reports.search(text, found.end()):
        return False
    if asks(sentence, tongue) and not tongue.may_ask.match(text):
        return False
    if smiles(sentence) and not tongue.acts.too.match(text):
        return False
    return not (tongue.thanks_head.match(text) and not tongue.but.search(text))


def _means(text: str, sentence: Sentence, tongue: Tongue, asked: Before, *, after_no: bool) -> bool:
    if asks(sentence, tongue) or (asked.question and not after_no) or tongue.wonders.search(text):
        return False
    first, *others = _CLAUSE.split(text)
    clauses = [text] if not others or tongue.thanks_head.match(first) else [text, *others]
    return any(
        tongue.meant_head.match(clause) is not None and tongue.not_meant.match(clause) is None
        for clause in clauses
    )


def _changes(text: str, sentence: Sentence, tongue: Tongue, asked: Before, *, after_no: bool) -> bool:
    if sentence.hands_over or len(text.split()) > _LONGEST_CHANGE or (asked.question and not after_no):
        return False
    if tongue.and_starts_head.match(text) or (sentence.asks and not tongue.may_ask.search(text)):
        return False
    if tongue.and_starts_head.match(sentence.text) and tongue.languages.search(text):
        return False  # “and in French”: the next one
    if (tongue.acts.world.search(text) and not tongue.acts.redo.match(text)) or (
        asked.tool and tongue.acts.redo.match(text)
    ):
        return False  # of things rather than of the answer
    if tongue.lasting_head.match(text) or tongue.always_head.match(text):
        return False
    if any(each.not_judgement.search(text) for each in plausible(sentence.text)):
        return False
    if _is_change(text, sentence, tongue, asked):
        return not _chooses(text, tongue, asked)
    first, *others = _CLAUSE.split(text)
    if not others or sentence.asks:
        return False
    return _is_change(first, sentence, tongue, asked) and (
        tongue.may_ask.search(first) is not None
        or all(_is_change(each, sentence, tongue, asked) or tongue.meant_head.match(each) for each in others)
    )


def _chooses(text: str, tongue: Tongue, asked: Before) -> bool:
    """Does it take one of several things that the answer offered: “let's go with Inter”?"""
    words = words_of(_used(text, tongue))
    return bool(words) and all(word in asked.answer for word in words)


def _used(text: str, tongue: Tongue) -> str:
    """What it orders to be used, “” where it orders no use: “use rg, not grep”."""
    lead, trail = tongue.lead_in_head.match(text), tongue.trail_end.search(text)
    bare = text[lead.end() if lead else 0 : trail.start() if trail else None]
    return next((found["x"] for use in tongue.uses if (found := use.fullmatch(bare))), "")


def _is_change(text: str, sentence: Sentence, tongue: Tongue, asked: Before) -> bool:
    if tongue.only_changes.fullmatch(text) and (
        tongue.languages.search(text) or any(change.pattern.search(text) for change in tongue.changes)
    ):
        return True
    if asks(sentence, tongue) and not tongue.lead_in_head.match(text)[0]:  # type: ignore[index]  # it matches anything
        return False
    return tongue.open_change.fullmatch(text) is not None and _is_of_the_answer(text, sentence, tongue, asked)


def _is_of_the_answer(text: str, sentence: Sentence, tongue: Tongue, asked: Before) -> bool:
    """Is it about the answer, rather than the next thing or the user's own: “X, not Y” may be anything."""
    if concludes(sentence, tongue) or tongue.and_starts_head.match(sentence.text):
        return False
    if any(tongue.asks_head.match(clause) for clause in _CLAUSE.split(text)):
        return False
    if not tongue.acts.contrast.search(text) or _used(text, tongue) or tongue.lead_in_head.match(text)[0]:  # type: ignore[index]
        return True
    if tongue.languages.search(text) or any(change.pattern.search(text) for change in tongue.changes):
        return True
    return not tongue.acts.mine.search(text) and asked.has(words_of(text))


def _goes_on(sentence: Sentence, tongue: Tongue) -> bool:
    """Does the sentence belong to the correction before it?"""
    none = NOTHING
    return not sentence.asks and (
        _takes_back(sentence.text, sentence, tongue, none, after_no=False)
        or _says_no(sentence, tongue) is not None
    )
