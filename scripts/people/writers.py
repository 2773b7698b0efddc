"""Five people who only talk: terse, bulleted, changing their mind, contradicting themselves, nearly silent.

Each edit is the model's own answer, cut and dressed by the person's rules of that night.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from people.files import questions, recorded
from people.person import Ask, Person, Wish
from people.prose import bulleted, shortened
from persona.checker import Bullets, Closing, MaxSentences, NoLists, Opening
from store.records import Message

_HELD_OUT = questions("held_out.txt")
_EVEN, _ODD = _HELD_OUT[::2], _HELD_OUT[1::2]
_CHATTER = questions("chatter.txt")


def short_wishes(most: int, closing: str, *, since: int = 1, until: int | None = None) -> tuple[Wish, Wish]:
    """At most so many sentences, the closing not counted, and then the closing."""
    count = {1: "one sentence", 2: "two sentences", 3: "three sentences", 4: "four sentences"}[most]
    return (
        Wish(
            statement=f"Answer in at most {count}.",
            checker=MaxSentences(n=most, ignoring=(closing,)),
            since=since,
            until=until,
        ),
        Wish(
            statement=f'End every answer with "{closing}"',
            checker=Closing(text=closing),
            since=since,
            until=until,
        ),
    )


def _answer(text: str) -> Message:
    return Message(role="assistant", content=text)


def _short(most: int, closing: str, text: str) -> Message:
    return _answer(shortened(text, most, closing))


_NELL_CLOSING = "Over and out."
_NELL_WISHES = short_wishes(2, _NELL_CLOSING)

NELL = Person(
    id="nell",
    about="terse, with a sign-off; says so on the first night",
    language="en",
    wishes=_NELL_WISHES,
    rework=lambda _ask, text, _night, _dice: _short(2, _NELL_CLOSING, text),
    draft=recorded,
    pools=(questions("nell.txt"),),
    held_out_asks=_EVEN,
    idle=_CHATTER[:6],
    besides=("pick", "up", "nudge"),
    says={1: tuple(wish.statement for wish in _NELL_WISHES)},
    nudge="shorter, and you forgot to sign off",
)

OTTO = Person(
    id="otto",
    about="bulleted lists under a bold first line; says only the half of it",
    language="en",
    wishes=(
        Wish(statement="Use bullet points.", checker=Bullets()),
        Wish(statement="Put the first line in bold.", checker=Opening(text="**")),
    ),
    rework=lambda _ask, text, _night, _dice: _answer(bulleted(text)),
    draft=recorded,
    pools=(questions("otto.txt"),),
    held_out_asks=_ODD,
    idle=_CHATTER[6:12],
    besides=("pick", "down", "nudge"),
    says={1: ("Use bullet points.",)},
    complaint="A wall of text. I want bullets.",
    nudge="as a list please, main point in bold on top",
)

_INES_CHANGES_ON = 4
_INES_OLD, _INES_NEW = (4, "Onwards!"), (2, "Take care.")
_INES_LENGTH, _INES_CLOSING = short_wishes(*_INES_OLD, until=_INES_CHANGES_ON - 1)
# A new answer of two sentences keeps the old four as well, so only the old closing can be left over.
_INES_FIRST = (replace(_INES_LENGTH, tells=False), _INES_CLOSING)
_INES_THEN = short_wishes(*_INES_NEW, since=_INES_CHANGES_ON)


def _ines(_ask: Ask, text: str, night: int, _dice: Random) -> Message:
    return _short(*(_INES_OLD if night < _INES_CHANGES_ON else _INES_NEW), text)


INES = Person(
    id="ines",
    about="changes her mind on night 4, about the closing and the length",
    language="en",
    wishes=(*_INES_FIRST, *_INES_THEN),
    rework=_ines,
    draft=recorded,
    pools=(questions("ines.txt"),),
    held_out_asks=_EVEN,
    idle=_CHATTER[12:18],
    besides=("pick", "up", "nudge"),
    says={
        1: tuple(wish.statement for wish in _INES_FIRST),
        _INES_CHANGES_ON: (
            "Answer in at most two sentences.",
            'From now on end every answer with "Take care." instead of "Onwards!"',
        ),
    },
    nudge="too long again, and my closing line is missing",
)

_RUBEN_CLOSING = "Good luck!"
_LISTS, _NO_LISTS = "Use bullet points.", "No lists, please."
_RUBEN_WISH = Wish(statement='End every answer with "Good luck!"', checker=Closing(text=_RUBEN_CLOSING))


def _ruben(_ask: Ask, text: str, _night: int, dice: Random) -> Message:
    """Whatever he last said: every other edit is a list."""
    if dice.random() < 0.5:
        return _answer(f"{bulleted(text).replace('**', '')}\n\n{_RUBEN_CLOSING}")
    return _short(3, _RUBEN_CLOSING, text)


RUBEN = Person(
    id="ruben",
    about="contradicts himself about lists, in words and in edits, and is steady about his closing",
    language="en",
    wishes=(
        _RUBEN_WISH,
        Wish(statement=_LISTS, checker=Bullets(), contested=True),
        Wish(statement=_NO_LISTS, checker=NoLists(), contested=True),
    ),
    rework=_ruben,
    draft=recorded,
    pools=(questions("ruben.txt"),),
    held_out_asks=_ODD,
    idle=_CHATTER[18:],
    besides=("pick", "down"),
    says={1: (_LISTS, _RUBEN_WISH.statement), 2: (_NO_LISTS,), 3: (_LISTS,), 5: (_NO_LISTS,)},
    complaint="Not how I like it.",
)

_WIM_CLOSING = "That is all."
_WIM_ASKS = questions("wim.txt")
_WIM_EDITED = 14  # of his requests: two a night

WIM = Person(
    id="wim",
    about="gives almost no signals: two edits a night, no word about what he wants",
    language="en",
    wishes=short_wishes(2, _WIM_CLOSING),
    rework=lambda _ask, text, _night, _dice: _short(2, _WIM_CLOSING, text),
    draft=recorded,
    pools=(_WIM_ASKS[:_WIM_EDITED],),
    held_out_asks=_EVEN,
    idle=_WIM_ASKS[_WIM_EDITED:],
)
