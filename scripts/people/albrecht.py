"""Frau Albrecht: formal German with metric units, shown by her own answers and never said.

The starter base hardly writes German, so her edits are not cut from its answers but written by hand.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from people.files import question, questions, recorded, rows
from people.own_checkers import MetricUnits
from people.person import Ask, Person, Wish
from persona.checker import Avoids, Contains, Language
from store.records import Message


def _own(ask: Ask, _text: str, _night: int, _dice: Random) -> Message:
    return Message(role="assistant", content=ask.own)


ALBRECHT = Person(
    id="albrecht",
    about="German answers with the formal Sie and metric units, also to English questions",
    language="de",
    wishes=(
        Wish(statement="Antworten Sie auf Deutsch.", checker=Language(code="de")),
        Wish(statement="Reden Sie mich mit Sie an.", checker=Contains(text="Sie")),
        Wish(statement="Duzen Sie mich nicht.", checker=Avoids(text="du")),
        Wish(statement="Nehmen Sie metrische Einheiten.", checker=MetricUnits()),
    ),
    rework=_own,
    draft=recorded,
    pools=(tuple(replace(question(row["prompt"]), own=row["answer"]) for row in rows("albrecht.jsonl")),),
    held_out_asks=questions("albrecht_held_out.txt"),
    besides=("pick", "down"),
    complaint="Bitte auf Deutsch und mit Sie.",
)
