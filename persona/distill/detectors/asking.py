"""What kind of sentence it is: a question, whose mark may be missing, or a conclusion from the answer."""

from __future__ import annotations

from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.tongues import Tongue


def asks(sentence: Sentence, tongue: Tongue) -> bool:
    """Is it a question, though people who type fast leave its mark out: “in che anno”?"""
    if sentence.asks:
        return True
    soft = tongue.soft_head.match(sentence.text)
    return any(tongue.asks_head.match(sentence.text, start) for start in {0, soft.end() if soft else 0})


def concludes(sentence: Sentence, tongue: Tongue) -> bool:
    """Does the user say what follows from the answer: “so two are 210”, “not on Sundays, I guess”?"""
    acts = tongue.acts
    return acts.concludes.match(sentence.text) is not None or acts.infers.search(sentence.text) is not None
