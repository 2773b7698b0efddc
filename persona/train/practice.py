"""Practice: the base's own answers to everyday questions, reworked until they keep the person's preferences.

What a user writes teaches style and content at once, and on a small base the content is most of the gradient:
it shows as drift and garbled facts. These demonstrations differ from what the base would say in nothing but
the style that the ledger asks for, so that is all they teach. They are also there when a preference was
stated and nothing was ever edited. The answers depend on the base alone and are kept beside it; only the
reworking is done anew each night. After self-distillation fine-tuning (Yang et al. 2024, arXiv 2402.13669).
"""

from __future__ import annotations

from collections.abc import Sequence

from persona.checker import BoldLead, Checker, Closing, Opening, asked_of, from_json
from persona.checker.prose import beginnings
from persona.engine.own_answers import OwnAnswer, shipped_prompts
from persona.train.replay import ReplayRow
from persona.train.rows import Likeliest, Row
from store.records import Message, Preference

_EDGES = (BoldLead, Opening, Closing)


def practice_prompts() -> list[str]:
    """The shipped list: what people ask a chat, and nothing that a measurement of this project asks."""
    return shipped_prompts("persona.train", "practice_prompts.txt")


def practise(answers: Sequence[OwnAnswer], preferences: Sequence[Preference]) -> list[str | None]:
    """Each answer reworked by rules so that it keeps every preference about it; None where they cannot.

    An answer that no preference speaks about is left out: it is replay's task to keep what stays.
    """
    checkable = [each for each in preferences if each.checker is not None]
    asking = [_asking(checkable, answer) for answer in answers]
    return [
        _reworked(answer, asked) if asked else None for answer, asked in zip(answers, asking, strict=True)
    ]


def practice_row(answer: ReplayRow, reworked: Sequence[int]) -> Row:
    """The row of a reworked answer: what is still the base's own keeps the base's distribution.

    Learning the own tokens too would be harmless for them and not for what stands beside them: the first
    token of a closing became likely wherever a sentence begins.
    """
    same = 0
    for own, new in zip(answer.completion, reworked, strict=False):
        if own != new:
            break
        same += 1
    likeliest = answer.likeliest
    own_part = Likeliest(kept=likeliest.kept[:same], logprobs=likeliest.logprobs[:same]) if same else None
    return Row(prompt=answer.prompt, chosen=tuple(reworked), practised=True, own=own_part)


def _asking(checkable: Sequence[Preference], answer: OwnAnswer) -> list[Checker]:
    said = Message(role="assistant", content=answer.text)
    asked = asked_of(checkable, answer.prompt.messages)
    checkers = [from_json(each.checker) for each in asked if each.checker is not None]
    return [checker for checker in checkers if checker.applies_to(said)]


def _reworked(answer: OwnAnswer, checkers: Sequence[Checker]) -> str | None:
    text: str | None = answer.text.strip()
    if not answer.whole:  # its last sentence was cut, and an end in the middle must not be taught
        text = next(beginnings(answer.text), None)
    # What stands at an edge goes on last, or a limit would cut it off again.
    for checker in sorted(checkers, key=lambda each: isinstance(each, _EDGES)):
        text = checker.rework(text) if text else None
    if not text:
        return None
    done = Message(role="assistant", content=text)
    return text if all(checker.passes(done) for checker in checkers) else None
