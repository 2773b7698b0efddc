"""What stood before a reply, as far as it tells what the reply is: a question, the words used, a play.

Invariant: what a model or a tool wrote is only compared with the user's words, never read for a wish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from persona.checker import fold
from persona.distill.detectors.asking import asks
from persona.distill.detectors.contract import Exchange, by_user
from persona.distill.detectors.own_words import own_sentences
from persona.distill.detectors.tongues import plausible, stop_words
from store.records import Message

_LONGEST_READ = 4000  # characters of an answer
_LONGEST_END = 800
_LIKELIEST = 2  # languages that a request is read in
_TELLS = 4  # words of a request that tell its language
_CHOICE = re.compile(r"\s*(?:[-*•]|\(?\w{1,2}[.)])\s+\S")
_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")
_NAME = re.compile(r"(?<!\w)[^\W\d_]\w{3,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """The completion's `question` or `offer` at its end, and the words of answer and request, folded.

    `names` are the capitalised words of the answer, `asked` all words of the request. `tool`: tools are at
    work in this talk.
    `made`: the request ordered something, so that “it” is the answer; after a question it may be the world.
    `called`: the completion is nothing but calls, and the user speaks before they have run.
    `languages` are those that the request may be in, empty where it does not tell.
    """

    offer: bool = False
    question: bool = False
    answer: frozenset[str] = frozenset()
    request: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    tool: bool = False
    made: bool = False
    called: bool = False
    languages: frozenset[str] = frozenset()

    def has(self, words: Iterable[str]) -> bool:
        """Does any of these words stand in the answer or in the request?"""
        return any(word in self.answer or word in self.request for word in words)

    def owns(self, words: Iterable[str]) -> bool:
        """Do all of these words stand in the answer or in the request?"""
        return all(word in self.answer or word in self.request for word in words)


NOTHING = Before()


def before(prompt: Sequence[Message], completion: Message) -> Before:
    """What stood before a reply to this completion of the prompt."""
    request = next((one.content for one in reversed(prompt) if by_user(one)), "")
    called = " ".join(str(value) for call in completion.tool_calls for value in call.arguments.values())
    tool = bool(completion.tool_calls) or any(one.role == "tool" for one in prompt)
    return _before(request, completion.content, called, tool)


def before_reply(exchange: Exchange) -> Before:
    """What stood before the exchange's reply."""
    stood = before(exchange.interaction.prompt, exchange.completion)
    calls = exchange.completion.tool_calls and not exchange.completion.content
    return replace(stood, called=True) if calls and exchange.after and by_user(exchange.after[0]) else stood


def words_of(text: str) -> tuple[str, ...]:
    """The words of folded text that say what it is about, and its numbers."""
    return tuple(word for word in _WORD.findall(text) if word not in stop_words())


@lru_cache(maxsize=4096)
def _before(request: str, answer: str, called: str, tool: bool) -> Before:
    offer, question = _asks(answer)
    read = f"{answer[:_LONGEST_READ]} {called}"
    return Before(
        offer=offer,
        question=question,
        answer=frozenset(words_of(fold(read))),
        request=frozenset(words_of(fold(request[:_LONGEST_READ]))),
        names=frozenset(name for name in _NAME.findall(read) if name[0].isupper()),
        asked=frozenset(_WORD.findall(fold(request[:_LONGEST_READ]))),
        tool=tool,
        made=_orders(request),
        languages=_languages(request, answer),
    )


def _languages(request: str, answer: str) -> frozenset[str]:
    """Those of the request; where it is too short to tell, of the answer, too."""
    text = " ".join(sentence.text for sentence in own_sentences(request))
    likely = plausible(text if len(text.split()) >= _TELLS else f"{text} {fold(answer[:_LONGEST_END])}")
    return frozenset(tongue.name for tongue in likely)


def _orders(request: str) -> bool:
    """Does the request order something, in whatever form, rather than ask how the world is?"""
    sentences = own_sentences(request)
    if not sentences:
        return False
    last = next((each for each in sentences if each.asks), sentences[-1])
    tongues = plausible(" ".join(each.text for each in sentences))[:_LIKELIEST]
    if any(tongue.wonders.search(last.text) for tongue in tongues):
        return False
    if any(tongue.lead_in_head.match(last.text)[0] for tongue in tongues):  # type: ignore[index]  # it matches anything
        return True
    return not any(asks(last, tongue) or tongue.and_starts_head.match(last.text) for tongue in tongues)


def _asks(answer: str) -> tuple[bool, bool]:
    """What it asks at its end: an offer ("Let me know if …"), a question (a list of choices may follow), or
    neither."""
    lines = [line for line in answer[-_LONGEST_END:].strip().splitlines() if line.strip()]
    while len(lines) > 1 and _CHOICE.match(lines[-1]):
        lines.pop()
    last = own_sentences(lines[-1])[-1:] if lines else ()
    asking = [sentence for sentence in last if sentence.asks]
    offer = any(tongue.offers.search(each.text) for each in last for tongue in plausible(each.text))
    return offer, bool(asking) and not offer


def plays(prompt: Sequence[Message], said: Message) -> bool:
    """Are the user's words part of a play, or texts to be worked on, as they asked for earlier?"""
    return in_play(each for each in prompt if by_user(each)) and not _play(said.content)[0]


def in_play(messages: Iterable[Message]) -> bool:
    """After these messages of the user, in order: does a play go on that one of them began?"""
    asked = False
    for one in messages:
        leaves, begins = _play(one.content)
        asked = begins or (asked and not leaves)
    return asked


@lru_cache(maxsize=4096)
def _play(content: str) -> tuple[bool, bool]:
    """Does the message leave a play; does it begin one?"""
    text = fold(content[:400])
    tongues = plausible(text)
    return (
        any(tongue.acts.leaves_play.search(text) for tongue in tongues),
        any(tongue.acts.play.search(text) or tongue.acts.standing.search(text) for tongue in tongues),
    )
