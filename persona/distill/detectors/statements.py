"""The user states a lasting preference in passing: "from now on answer in metric", "never use emoji".

Polarity 0, confidence 0.9. A sentence counts only when it begins with the wish; a question or a report of
what somebody else wants never does, nor what is said in a play. In the message that opens a talk, what looks
like a wish may be a text that the rest is about: then it counts only where “from now on” begins the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from persona.checker import fold, parse_statement
from persona.distill.detectors.before import in_play
from persona.distill.detectors.contract import REQUEST, Exchange, Finding, by_user
from persona.distill.detectors.own_words import Sentence, own_sentences
from persona.distill.detectors.reading import without_sighs
from persona.distill.detectors.tongues import Tongue, greets, plausible
from persona.distill.signals import Detector
from store.records import Message

_LONGEST = 40  # words
_SHORTEST = 2
_LONGEST_READ = 4000  # characters of a request


def stated(exchange: Exchange) -> Iterator[Finding]:
    """The sentences of the replies that state a preference; of the request too when it opens the talk."""
    spoken = list(exchange.replies())
    request = exchange.request()
    if request is not None and all(one.role != "assistant" for one in exchange.interaction.prompt):
        spoken.insert(0, (REQUEST, request))
    for place, said in spoken:
        wishes = statements(own_sentences(said.content))
        for sentence in _of_their_own(wishes, exchange, said) if place == REQUEST else wishes:
            yield Finding(detector=Detector.STATED_IN_CHAT, span=sentence.raw, place=place)


def statements(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """The sentences that state a lasting preference."""
    for sentence in sentences:
        if sentence.asks or not _SHORTEST <= sentence.words <= _LONGEST:
            continue
        tongues = plausible(sentence.text)
        if any(tongue.about.attributed.search(sentence.text) for tongue in tongues):
            continue
        if any(_states(sentence, tongue) for tongue in tongues):
            yield sentence


def _of_their_own(wishes: Iterable[Sentence], exchange: Exchange, request: Message) -> Iterator[Sentence]:
    """Of the request that opens a talk: the wishes that are the user's, and no texts that it is about."""
    if in_play(one for one in exchange.interaction.prompt if by_user(one)):
        return
    found = list(wishes)
    sentences = own_sentences(request.content)
    first = next((each for each in sentences if not greets(each.text)), None)
    rest = request.content[:_LONGEST_READ]
    for sentence in found:
        rest = rest.replace(sentence.raw, " ", 1)
    rest = fold(rest)
    worked_on = any(each.hands_over for each in sentences) or any(
        tongue.about.texts.search(rest) for tongue in plausible(rest)
    )
    for sentence in found:
        if not worked_on or (sentence is first and _begins_lasting(sentence)):
            yield sentence


def _begins_lasting(sentence: Sentence) -> bool:
    return any(
        tongue.lasting_head.match(text)
        for tongue in plausible(sentence.text)
        for text in without_sighs(sentence.text, tongue)
    )


def _states(sentence: Sentence, tongue: Tongue) -> bool:
    text = sentence.text
    soft = tongue.soft_head.match(text)
    for start in {0: None, soft.end() if soft else 0: None}:
        rest = text[start:]
        if (found := tongue.lasting_head.match(rest)) and rest[found.end() :].strip(" .,:!"):
            return True
        if tongue.always_head.match(rest):
            return True
        if tongue.hints_head.match(rest) and _is_read(sentence):
            return tongue.lasts.search(rest) is not None
    return False


def _is_read(sentence: Sentence) -> bool:
    return any(not parsed.attribute.startswith("free.") for parsed in parse_statement(sentence.raw))
