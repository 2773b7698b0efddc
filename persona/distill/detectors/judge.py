"""Weighs what a reply shows into how likely it corrects the answer, or asks the same again.

The weights are learnt by scripts/fit_detectors from labelled turns, and kept in weights.json: a sum of the
traits that a reply has, nothing else. Invariant: a judgement is only about what the user wrote; where the
guards of the detectors left nothing of that, or the words are somebody else's, there is nothing to judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from persona.distill.detectors.before import Before, before, before_reply
from persona.distill.detectors.contract import Exchange, by_user
from persona.distill.detectors.corrections import Correcting, correcting, first_that_says_something
from persona.distill.detectors.giving_up import gives_up
from persona.distill.detectors.own_words import Sentence, own_sentences
from persona.distill.detectors.retries import asks_again, same_request
from persona.distill.detectors.statements import statements
from persona.distill.detectors.tongues import plausible, tongues
from persona.distill.detectors.traits import Heard, traits
from store.records import Message

CORRECTION, RESTATED = "correction", "restated"
_WORD = re.compile(r"\w+")
KINDS = (CORRECTION, RESTATED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """`correcting` are the sentences of a correction, None where the reply is none.

    `restates`: it asks for the same as the request, and does not say that the answer was wrong. `disputed`:
    rules take it for a correction, and the weights do not.
    """

    correcting: Correcting | None = None
    disputed: bool = False
    restates: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scale:
    """What each trait weighs for one kind, and from which sum on a reply is of it.

    Where rules find it plainly said they are seldom wrong, so less is enough there: below `plain` is a veto.
    """

    bias: float
    threshold: float
    plain: float
    weights: Mapping[str, float]

    def holds(self, found: Mapping[str, float], *, plain: bool = False) -> bool:
        return self.sum_of(found) >= (self.plain if plain else self.threshold)

    def sum_of(self, found: Mapping[str, float]) -> float:
        return self.bias + sum(value * self.weights.get(name, 0.0) for name, value in found.items())


def judged_reply(exchange: Exchange) -> Judgement | None:
    """What the exchange's reply is; None without one."""
    reply = heard_reply(exchange)
    return None if reply is None else _judged(reply)


def judged(prompt: Sequence[Message], completion: Message, said: Message) -> Judgement:
    """What this reply is to the completion of the prompt."""
    return _judged(_heard(prompt, completion, said, before(prompt, completion)))


def heard_reply(exchange: Exchange) -> Heard | None:
    """The exchange's reply with what it is compared with; None without one."""
    reply = exchange.reply()
    if reply is None:
        return None
    return _heard(exchange.interaction.prompt, exchange.completion, reply[1], before_reply(exchange))


def _heard(prompt: Sequence[Message], completion: Message, said: Message, stood: Before) -> Heard:
    sentences = own_sentences(said.content)
    asked = [one for one in prompt if one.role == "user"]
    ruled = correcting(sentences, stood)
    return Heard(
        content=said.content,
        sentences=sentences,
        before=stood,
        request=asked[-1].content if asked and by_user(asked[-1]) else "",
        answer=completion.content,
        ruled=ruled is not None,
        plain=ruled is not None and ruled.plain,
    )


def is_open(reply: Heard) -> bool:
    """May the reply be what no rule takes it for?

    Not where it answers a question, hands something over, tells what somebody else says, wishes something for
    good, asks for another try, gives up, only thanks, or lets a call run.
    """
    if reply.ruled:
        return True
    text = " ".join(sentence.text for sentence in reply.sentences)
    said = Message(role="user", content=reply.content)
    own = sum(map(len, _WORD.findall(" ".join(sentence.raw for sentence in reply.sentences))))
    return not (
        reply.before.question
        or own < sum(map(len, _WORD.findall(reply.content)))
        or first_that_says_something(reply.sentences, plausible(text)[0]) == len(reply.sentences)
        or (reply.before.called and any(tongue.acts.assents.match(text) for tongue in plausible(text)))
        or same_request(said, Message(role="user", content=reply.request))
        or any(sentence.hands_over for sentence in reply.sentences)
        or any(tongue.reports.search(text) and not tongue.acts.you_did.match(text) for tongue in tongues())
        or any(statements(reply.sentences))
        or asks_again(said)
        or gives_up(said)
    )


@lru_cache(maxsize=4096)
def _judged(reply: Heard) -> Judgement:
    if not reply.sentences or not is_open(reply):
        return Judgement()
    found = traits(reply)
    if scales()[CORRECTION].holds(found, plain=reply.plain):
        return Judgement(correcting=correcting(reply.sentences, reply.before) or _first(reply.sentences))
    return Judgement(restates=scales()[RESTATED].holds(found), disputed=reply.ruled)


def _first(sentences: tuple[Sentence, ...]) -> Correcting:
    """The first sentence that says something."""
    tongue = plausible(" ".join(sentence.text for sentence in sentences))[0]
    start = first_that_says_something(sentences, tongue)
    return Correcting(sentences=(sentences[start if start < len(sentences) else 0],), tongue=tongue)


@cache
def scales() -> Mapping[str, _Scale]:
    """The scale of every kind, as learnt."""
    learnt = json.loads((files(__package__) / "weights.json").read_text(encoding="utf-8"))
    return {
        kind: _Scale(
            bias=one["bias"],
            threshold=one["threshold"],
            plain=one["plain"],
            weights={name: each[place] for name, each in learnt["weights"].items() if each[place]},
        )
        for place, (kind, one) in enumerate(learnt["kinds"].items())
    }
