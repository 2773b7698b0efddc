"""The user gives up: says so, corrects and gets no answer, or leaves when the correction was not followed.

Polarity -1, confidence 0.3. A talk that just ends says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from persona.checker import fold, parse_statement
from persona.distill.detectors.content import asked_instead
from persona.distill.detectors.contract import Exchange, Finding, by_user
from persona.distill.detectors.corrections import Correcting
from persona.distill.detectors.giving_up import gives_up
from persona.distill.detectors.judge import judged
from persona.distill.signals import Detector
from store.records import Message

_WORD = re.compile(r"\w+")
_THE_SAME = 85  # of 100: an answer so like the corrected one did not follow the correction, unless …
_SAME_WORD = 75  # of 100: … a word of the correction came or went
_SLIGHT = 0.3  # of the words: what may change in an answer that is the same
_TOLD_BY_FORM = frozenset(("language", "emoji", "lists", "headings", "exclamation", "format"))
_SHORTER = 0.9  # of the corrected answer's words, where it should be shorter


def abandoned(exchange: Exchange) -> Iterator[Finding]:
    """At the end of a talk: the words or the correction after which the user left."""
    reply = exchange.reply()
    if reply is not None:
        place, said = reply
        ends = not any(one.role == "assistant" for one in exchange.after)
        if gives_up(said) or (ends and _corrects(said, exchange.interaction.prompt, exchange.completion)):
            yield Finding(detector=Detector.ABANDONED, span=said.content, place=place)
    elif not exchange.after and (correction := _not_followed(exchange)) is not None:
        yield Finding(detector=Detector.ABANDONED, span=correction.content)


def _corrects(said: Message, prompt: Sequence[Message], completion: Message) -> bool:
    return _correcting(said, prompt, completion) is not None


def _correcting(said: Message, prompt: Sequence[Message], completion: Message) -> Correcting | None:
    return judged(prompt, completion, said).correcting


def _not_followed(exchange: Exchange) -> Message | None:
    """The correction that this last answer was given to, where the answer clearly fails it again."""
    prompt = exchange.interaction.prompt
    if len(prompt) < 2 or prompt[-2].role != "assistant" or not by_user(prompt[-1]):
        return None
    corrected, said = prompt[-2], prompt[-1]
    answer = exchange.completion.content
    if not corrected.content or not answer:
        return None
    found = _correcting(said, prompt[:-2], corrected)
    if found is None or _asks(answer):
        return None
    fails = _breaks(found, corrected.content, answer)
    if fails is None:
        fails = _same(corrected.content, answer, said.content)
    return said if fails else None


def _asks(answer: str) -> bool:
    return answer.rstrip().endswith("?")


def _breaks(found: Correcting, corrected: str, answer: str) -> bool | None:
    """Does the answer break what the correction asks for? None where that cannot be checked."""
    asked = asked_instead(found.sentences, found.tongue)
    if (asked.attribute, asked.value) == ("length", "shorter"):
        return len(_WORD.findall(answer)) > _SHORTER * len(_WORD.findall(corrected))
    if not asked.value or asked.attribute not in _TOLD_BY_FORM:
        return None
    checkers = [parsed.checker for parsed in parse_statement(asked.statement) if parsed.checker is not None]
    message = Message(role="assistant", content=answer)
    told = [checker.passes(message) for checker in checkers if checker.applies_to(message)]
    return not all(told) if told else None


def _same(corrected: str, answer: str, correction: str) -> bool:
    """Is it the corrected answer again, and what changed in it nothing that the correction speaks of?"""
    if fuzz.ratio(corrected, answer) < _THE_SAME:
        return False
    former, latter = (set(_WORD.findall(fold(text))) for text in (corrected, answer))
    asked, changed = set(_WORD.findall(fold(correction))), former ^ latter
    if len(changed) > _SLIGHT * len(former) or any(word[0].isdigit() for word in changed):
        return False
    return not any(fuzz.ratio(word, wish) >= _SAME_WORD for word in changed for wish in asked)
