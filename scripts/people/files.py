"""Reads what samples/people holds: prompts, own answers, wanted calls, and the base's recorded answers."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from people.person import Ask
from people.stand_in import stand_in
from persona.engine.protocol import Prompt
from store.records import Message

FOLDER = Path(__file__).parents[2] / "samples" / "people"
_MARKUP = re.compile(r"</?tool_\w*>?")
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
    """What the starter base answered, greedily; a stand-in where that is markup alone, or was not asked yet.

    The base likes to hand on a tool's result with the template's markup, which a server takes off.
    """
    said = _MARKUP.sub("", _answers().get(ask.text, "")).strip()
    return Message(role="assistant", content=said or stand_in(ask))


@cache
def _answers() -> dict[str, str]:
    return {row["prompt"]: row["answer"] for row in rows(ANSWERS.name)} if ANSWERS.exists() else {}
