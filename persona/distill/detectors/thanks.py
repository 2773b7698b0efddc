"""The user thanks for the answer or praises it, and corrects nothing.

Polarity +1, confidence 0.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from persona.distill.detectors.contract import Exchange, Finding
from persona.distill.detectors.giving_up import gives_up
from persona.distill.detectors.judge import judged_reply
from persona.distill.detectors.own_words import Sentence, own_sentences
from persona.distill.detectors.reading import praises
from persona.distill.detectors.tongues import Tongue, plausible
from persona.distill.signals import Detector

_APPLAUSE = re.compile(r"\s*(?:[👍👏🙏🙌💯🎉😍🥰❤💛💚💙🧡💜][\U0001F3FB-\U0001F3FF\uFE0F]*\s*)+")
_LONGEST = 12  # words of praise
_SHORT = 6  # words; in a short sentence the thanks may stand anywhere


def thanked(exchange: Exchange) -> Iterator[Finding]:
    """The sentence of the reply that thanks or praises."""
    reply = exchange.reply()
    if reply is None:
        return
    place, said = reply
    if _APPLAUSE.fullmatch(said.content):
        yield Finding(detector=Detector.THANKS, span=said.content, place=place)
        return
    sentences = own_sentences(said.content)
    judgement = judged_reply(exchange)
    if judgement is None or judgement.correcting is not None or judgement.disputed or gives_up(said):
        return
    for tongue in plausible(" ".join(sentence.text for sentence in sentences)):
        for sentence in sentences[:2]:
            if _thanks(sentence, tongue) or _content(sentence, tongue):
                yield Finding(detector=Detector.THANKS, span=sentence.raw, place=place)
                return


def _content(sentence: Sentence, tongue: Tongue) -> bool:
    """Praise, but no “not bad”, which may be about anything."""
    denies = tongue.acts.denies.search(sentence.text)
    return sentence.words <= _LONGEST and not denies and praises(sentence, tongue)


def _thanks(sentence: Sentence, tongue: Tongue) -> bool:
    text = sentence.text
    if any(each.not_thanks.search(text) for each in plausible(text)):
        return False
    soft = tongue.soft_head.match(text)
    for start in {0, soft.end() if soft else 0}:
        found = tongue.thanks_head.match(text, start)
        if found and not (sentence.asks and sentence.words > _SHORT):
            return True
    short = sentence.words <= _SHORT and not sentence.asks and not tongue.reports.search(text)
    return short and tongue.thanked.search(text) is not None
