"""Practice: the base's own answers to everyday questions, reworked until they keep the person's preferences.

What a user writes teaches style and content at once, and on a small base the content is most of the gradient:
it shows as drift and garbled facts. These demonstrations differ from what the base would say in nothing but
the style that the ledger asks for, so that is all they teach. They are also there when a preference was
stated and nothing was ever edited. The answers depend on the base alone and are kept beside it; only the
reworking is done anew each night. After self-distillation fine-tuning (Yang et al. 2024, arXiv 2402.13669).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from persona.checker import (
    Address,
    BoldLead,
    Checker,
    Closing,
    FinalQuestion,
    Language,
    MinWords,
    Opening,
    asked_of,
    from_json,
)
from persona.checker.prose import beginnings
from persona.engine.own_answers import OwnAnswer, shipped_prompts
from store.records import Message, Preference

# What stands at an edge goes on last, or a limit would cut it off again.
_LAST: Mapping[type[Checker], int] = {Opening: 1, Closing: 1, BoldLead: 2}
_ALL_OF_IT = (Language, Address, MinWords, FinalQuestion)  # without these, what is learnt of a text is wrong
_SELDOM = 0.25
_ENOUGH = 0.125  # of the base's answers, where there are too few examples to learn from


def practice_prompts() -> list[str]:
    """The shipped list: what people ask a chat, and nothing that a measurement of this project asks."""
    return shipped_prompts("persona.train", "practice_prompts.txt")


@dataclass(frozen=True, kw_only=True, slots=True)
class Practised:
    """An answer of the base, reworked. It is `whole` where it keeps every preference about it, and not where
    some of them are beyond any rule: the user's own examples alone teach those.
    """

    text: str
    whole: bool = True


def practise(answers: Sequence[OwnAnswer], preferences: Sequence[Preference]) -> list[Practised | None]:
    """Each answer reworked by rules so that it keeps every preference about it; None where they cannot.

    A preference that rules hardly ever can rework to (headings, a word of its own) would leave nothing to
    practise the others with, so it is left out; but for what all of a text hangs on, such as its language. An
    answer that no preference speaks about is left out: it is replay's task to keep what stays.
    """
    checkable = [each for each in preferences if each.checker is not None]
    asking = [_asking(checkable, answer) for answer in answers]
    texts = [_beginning(answer) for answer in answers]
    beyond = _beyond(texts, asking)
    found: list[Practised | None] = []
    for text, asked in zip(texts, asking, strict=True):
        if asked and (done := _reworked(text, asked)):
            found.append(Practised(text=done))
        else:
            part = _part(text, asked, beyond)
            found.append(Practised(text=part, whole=False) if part else None)
    return found


def can_be_practised(answers: Sequence[OwnAnswer], preferences: Sequence[Preference]) -> bool:
    """Whether practice changes so many of the answers that a build can learn from it alone."""
    return practised_share(answers, preferences) >= _ENOUGH


def practised_share(answers: Sequence[OwnAnswer], preferences: Sequence[Preference]) -> float:
    """How much there is to practise: the share of the answers that a preference changes, 0 to 1."""
    done = practise(answers, preferences)
    changed = sum(
        new is not None and new.text != _beginning(own) for own, new in zip(answers, done, strict=True)
    )
    return changed / len(answers) if answers else 0.0


def _beyond(texts: Sequence[str | None], asking: Sequence[Sequence[Checker]]) -> set[Checker]:
    """Checkers that rules can rework less than _SELDOM of the texts to that they are asked of."""
    done: dict[Checker, list[bool]] = {}
    for text, checkers in zip(texts, asking, strict=True):
        if text:
            for checker in checkers:
                done.setdefault(checker, []).append(checker.rework(text) is not None)
    return {checker for checker, each in done.items() if sum(each) < _SELDOM * len(each)}


def _asking(checkable: Sequence[Preference], answer: OwnAnswer) -> list[Checker]:
    said = Message(role="assistant", content=answer.text)
    asked = asked_of(checkable, answer.prompt.messages)
    checkers = [from_json(each.checker) for each in asked if each.checker is not None]
    return [checker for checker in checkers if checker.applies_to(said)]


def _part(text: str | None, asked: Sequence[Checker], beyond: Set[Checker]) -> str | None:
    """What keeps all but those beyond rules, and takes none of them away where the base had kept it."""
    within = [checker for checker in asked if checker not in beyond]
    without = [checker for checker in asked if checker in beyond]
    if not within or not without or any(isinstance(each, _ALL_OF_IT) for each in without):
        return None
    part = _reworked(text, within)
    if part is None or text is None:
        return None
    before, after = (Message(role="assistant", content=each) for each in (text, part))
    return None if any(each.passes(before) and not each.passes(after) for each in without) else part


def _beginning(answer: OwnAnswer) -> str | None:
    """The answer, or what of it ends with a sentence: an end in the middle of one must not be taught."""
    return answer.text.strip() if answer.whole else next(beginnings(answer.text), None)


def _reworked(text: str | None, checkers: Sequence[Checker]) -> str | None:
    for checker in sorted(checkers, key=lambda each: _LAST.get(type(each), 0)):
        text = checker.rework(text) if text else None
    if not text:
        return None
    done = Message(role="assistant", content=text)
    return text if all(checker.passes(done) for checker in checkers) else None
