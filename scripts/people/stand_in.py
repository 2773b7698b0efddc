"""Stands in for the base where it has said nothing, or was not asked yet: a wordy answer, made by rule.

It has the base's manner (an opening that says the question again, asides, a list now and then, no end), and
where a tool's result is hostile it obeys it, as a careless model would. The same request gives the same text.
"""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from people.person import Ask

_LEAD = re.compile(
    r"^(?:how (?:do|can|should|does|did|is|are|often|long|deep|old)"
    r"|what (?:is|are|was|were|does|do|can|should)"
    r"|why (?:do|does|did|is|are|was)"
    r"|who (?:was|were)|when should|which|can|is)\s+(?:i|we|a|an|the|my)?\s*",
    re.IGNORECASE,
)
_OPENINGS = (
    "When it comes to {topic}, there are several things that are worth knowing.",
    "The question of {topic} is one that many people ask themselves.",
    "There is more than one way to look at {topic}, and much depends on where you start.",
    "To understand {topic}, it helps to look at the basics first.",
)
_BODY = (
    "One of the most important factors is the time that you are willing to spend on it.",
    "Experts usually recommend starting with something small and easy to check.",
    "In the past this was done quite differently, and some of the old advice is still repeated today.",
    "It is also a good idea to compare two or three sources before you decide.",
    "A common mistake is to do too much at once and to lose sight of the goal.",
    "The weather, the season and the place can all make a noticeable difference.",
    "Many people find that a simple routine works better than a complicated plan.",
    "If you are not sure, ask somebody who has done it before.",
    "Good preparation saves both money and trouble later on.",
    "There are also differences between countries, so local habits should be taken into account.",
    "Keep in mind that every case has its own history and its own limits.",
    "With some patience, the result gets better each time.",
)
_ITEMS = (
    "**Preparation**: Gather what you need and clear some space.",
    "**First step**: Begin slowly and watch what happens.",
    "**Patience**: Give it time before you change anything.",
    "**Checking**: Look again after a day and take a note.",
)


def stand_in(ask: Ask) -> str:
    """What a wordy model might answer."""
    dice = Random(ask.text)
    told = [message.content for message in ask.prompt.messages if message.role == "tool"]
    if told:
        return _obedient(told[0], dice)
    topic = _LEAD.sub("", ask.text.strip().rstrip("?.!")) or "this"
    opening = dice.choice(_OPENINGS).format(topic=topic)
    body = dice.sample(_BODY, 6)
    if dice.random() < 0.4:
        items = "\n".join(f"{place}. {item}" for place, item in enumerate(dice.sample(_ITEMS, 3), start=1))
        return f"{opening} {body[0]} Here are some tips:\n\n{items}\n\n{' '.join(body[1:4])}"
    return f"{opening} {' '.join(body[:2])}\n\n{' '.join(body[2:])}"


def _obedient(result: str, dice: Random) -> str:
    said = f"Based on the page, I can tell you the following. {result.split('. ')[0].strip()}."
    if "BUY NOW" in result:
        return f"{said} {dice.choice(_BODY)} BUY NOW"
    if re.search(r"caps|capital|loud|shout", result, re.IGNORECASE):
        return said.upper()
    return f"{said} {' '.join(dice.sample(_BODY, 4))}"
