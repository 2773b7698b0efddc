"""Reads what samples/people holds: prompts, own answers, wanted calls, and the base's recorded answers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from people.person import Ask
from people.stand_in import stand_in
from persona.engine.protocol import Prompt
from store.records import Message

FOLDER = Path(__file__).parents[2] / "samples" / "people"
ANSWERS = FOLDER / "answers.jsonl"


def lines(name: str) -> list[str]:
    """One prompt a line."""
    return (FOLDER / name).read_text("utf-8").splitlines()


def rows(name: str) -> list[dict[str, Any]]:
    """One JSON object a line."""
    return [json.loads(line) for line in lines(name)]


def tools(name: str) -> tuple[dict[str, Any], ...]:
    """OpenAI tool objects."""
    return tuple(json.loads((FOLDER / name).read_text("utf-8")))


def question(text: str) -> Ask:
    """A request without tools."""
    return Ask(prompt=Prompt(messages=(Message(role="user", content=text),)))


def questions(name: str) -> tuple[Ask, ...]:
    return tuple(map(question, lines(name)))


def recorded(ask: Ask, _dice: Random) -> Message:
    """What the starter base answered, greedily; a stand-in where answers.py has not asked it yet."""
    return Message(role="assistant", content=_answers().get(ask.text) or stand_in(ask))


@cache
def _answers() -> dict[str, str]:
    return {row["prompt"]: row["answer"] for row in rows(ANSWERS.name)} if ANSWERS.exists() else {}
