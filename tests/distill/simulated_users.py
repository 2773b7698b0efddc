"""Users who edit answers, in words made for the purpose: with one clear style each, or with none at all."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from persona.distill.inference import Finding, Observation, Reader, conflicts, infer
from persona.distill.inference.conflict import Conflict
from store.records import Message, Preference

DAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_SUBJECTS = [
    "the mast",
    "a sail",
    "the tide",
    "the harbour",
    "our compass",
    "that anchor",
    "the old rope",
    "the deck",
]
_VERBS = [
    "turns with",
    "holds",
    "follows",
    "slows",
    "carries",
    "needs",
    "shows",
    "keeps",
    "rests on",
    "leans over",
]
_THINGS = ["the water", "a long line", "the evening", "some weight", "the shore", "every wave", "the moon"]
EXTRAS: Sequence[Callable[[str], str]] = (
    lambda text: text + " I hope this helps!",
    lambda text: "Sure! " + text,
    lambda text: "# An answer\n\n" + text,
    lambda text: text + "\n\n- one thing\n- another thing",
    lambda text: text + " 😀",
    lambda text: text.replace(".", "!", 1),
    lambda text: text + " What do you think?",
    lambda text: "Perhaps so. " + text,
    lambda text: text.replace(" the ", " **the** ", 1),
    lambda text: text + " It is 5 km away.",
    lambda text: text + " It is 3 miles away.",
    lambda text: text + " That was on 2 November.",
    lambda text: text + " That was on November 2.",
    lambda text: text + " Sorry about that.",
    lambda text: text + " It's fine, don't worry.",
)
Style = Callable[[str, random.Random], str]


def sentence(chance: random.Random) -> str:
    words = f"{chance.choice(_SUBJECTS)} {chance.choice(_VERBS)} {chance.choice(_THINGS)}"
    return words[0].upper() + words[1:] + f" {chance.randint(11, 99)} times."


def prose(chance: random.Random, count: int | None = None) -> str:
    return " ".join(sentence(chance) for _ in range(count or chance.randint(1, 7)))


def anything(chance: random.Random) -> str:
    """An answer as any model might give it, with whatever it may have besides."""
    text = prose(chance)
    for _ in range(chance.randint(0, 3)):
        text = chance.choice(EXTRAS)(text)
    return text


def message(text: str) -> Message:
    return Message(role="assistant", content=text)


@dataclass
class User:
    """Gives observations one a conversation, an hour apart, unless told otherwise."""

    seed: int
    told: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def edit(
        self, rejected: str, chosen: str, *, kind: str = "question", day: float | None = None
    ) -> Observation:
        self.told += 1
        at = DAY + (timedelta(hours=self.told) if day is None else timedelta(days=day, minutes=self.told))
        return Observation(
            conversation=f"c-{self.told}",
            at=at,
            signals=(f"s-{self.seed}-{self.told}",),
            kind=kind,
            asked=frozenset(),
            chosen=message(chosen),
            rejected=(message(rejected),),
        )

    def noise(self, count: int) -> list[Observation]:
        """Edits after which an answer is like any other."""
        return [self.edit(anything(self.chance), anything(self.chance)) for _ in range(count)]

    def styled(self, count: int, style: Style, **where: object) -> list[Observation]:
        """Edits that bring one style about and leave the rest to chance."""
        made = []
        for _ in range(count):
            text = prose(self.chance, self.chance.randint(4, 7))
            made.append(self.edit(text, style(text, self.chance), **where))  # type: ignore[arg-type]
        return made


def found(observations: Sequence[Observation], standing: Sequence[Preference] = ()) -> list[Finding]:
    return list(infer(observations, standing, Reader()).findings)


def disputed(observations: Sequence[Observation], standing: Sequence[Preference] = ()) -> list[Conflict]:
    reader = Reader()
    return conflicts(infer(observations, standing, reader), standing, reader, {})


def with_kind(observations: Sequence[Observation], kind: str) -> list[Observation]:
    return [replace(one, kind=kind) for one in observations]


def shortened(text: str, chance: random.Random) -> str:
    return ". ".join(text.split(". ")[: chance.randint(1, 2)]).rstrip(".") + "."
