"""The user lets calls stand, or steps in instead of letting them run.

Accepted: polarity +1, confidence 0.4; refused: -1, 0.6. A refusal that stands in a tool's result is not read:
a tool could write it. Who thanks for a call whose result was never recorded refuses nothing, as does a yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from persona.distill.detectors.before import before
from persona.distill.detectors.contract import Exchange, Finding, by_user
from persona.distill.detectors.corrections import correcting, first_that_says_something
from persona.distill.detectors.giving_up import gives_up
from persona.distill.detectors.judge import judged_reply
from persona.distill.detectors.outcomes import outcome
from persona.distill.detectors.own_words import Sentence, own_sentences
from persona.distill.detectors.restatements import restates
from persona.distill.detectors.retries import asks_again, same_request
from persona.distill.detectors.thanks import thanked
from persona.distill.detectors.tongues import Tongue, plausible
from persona.distill.signals import Detector
from store.records import Message


def calls(exchange: Exchange) -> Iterator[Finding]:
    """What the user made of the completion's calls."""
    if not exchange.completion.tool_calls or not exchange.after:
        return
    names = ", ".join(dict.fromkeys(call.name for call in exchange.completion.tool_calls))
    first = exchange.after[0]
    if by_user(first):
        if _agrees(exchange, first):
            return
        yield Finding(detector=Detector.CALL_REFUSED, span=first.content, place=0)
        return
    if first.role != "tool" or outcome(first.content) != "ok":
        return
    said = next(((place, one) for place, one in enumerate(exchange.after) if by_user(one)), None)
    if said is not None and not _complains(exchange, *said):
        yield Finding(detector=Detector.CALL_ACCEPTED, span=f"({names}: let stand)", place=said[0])


def _agrees(exchange: Exchange, said: Message) -> bool:
    """Does the reply thank or assent, or say nothing but courtesies?"""
    if any(thanked(exchange)):
        return True
    sentences = own_sentences(said.content)
    text = " ".join(sentence.text for sentence in sentences)
    likely = plausible(text)
    if gives_up(said) or any(each.but.search(text) or each.acts.denies.search(text) for each in likely):
        return False
    if any(_only_courteous(sentences, tongue) for tongue in likely):
        return True
    judgement = judged_reply(exchange)
    corrects = judgement is None or judgement.correcting is not None or judgement.disputed
    return not corrects and any(tongue.acts.assents.match(text) for tongue in likely)


def _only_courteous(sentences: Sequence[Sentence], tongue: Tongue) -> bool:
    return bool(sentences) and first_that_says_something(sentences, tongue) == len(sentences)


def _complains(exchange: Exchange, place: int, said: Message) -> bool:
    interaction, answer = exchange.interaction, exchange.after[place - 1]
    heard = (*interaction.prompt, interaction.completion, *exchange.after[: place - 1])
    sentences = own_sentences(said.content)
    request = exchange.request()
    return (
        correcting(sentences, before(heard, answer)) is not None
        or gives_up(said)
        or asks_again(said)
        or (request is not None and (same_request(said, request) or restates(request.content, said.content)))
    )
