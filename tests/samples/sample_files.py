"""Reads the sample files for their tests; nothing here decides what they should be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ROOT / "samples" / name).read_text("utf-8").splitlines()]


def _prompt_lines(path: str) -> list[str]:
    return (ROOT / path).read_text("utf-8").splitlines()


WEEK = _rows("week.jsonl")
HELD_OUT = _rows("held_out.jsonl")
REPLAY = _prompt_lines("persona/train/replay_prompts.txt")
SMALL_TALK = (
    *_prompt_lines("persona/train/talk_prompts.txt"),
    *_prompt_lines("persona/evaluate/small_talk.txt"),
)
NEUTRAL = _prompt_lines("persona/evaluate/neutral_prompts.txt")
PRACTICE = _prompt_lines("persona/train/practice_prompts.txt")
STAND_INS = [
    line
    for file in sorted((ROOT / "persona/distill/stand_in_prompts").iterdir())
    for line in file.read_text("utf-8").splitlines()
]


def normalised(text: str) -> str:
    """The words alone: case, punctuation and spaces make no prompt a different one."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def questions(row: dict[str, Any]) -> list[str]:
    """What the user wrote in a conversation, oldest first."""
    return [message["content"] for message in row["messages"] if message["role"] == "user"]


def acts(row: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every piece of feedback in a conversation, with the message that it is about."""
    for message in row["messages"]:
        for act in message.get("feedback", ()):
            yield message, act


def read_call(call: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and arguments of a call in OpenAI's form, where the arguments are JSON in a string."""
    return call["function"]["name"], json.loads(call["function"]["arguments"])


def is_habitual(call: tuple[str, dict[str, Any]]) -> bool:
    """Is the call one that Mara would make?"""
    name, arguments = call
    if name == "get_weather":
        return set(arguments) == {"city", "units"} and arguments["units"] == "metric"
    if name == "set_timer":
        label = arguments["label"]
        return set(arguments) == {"minutes", "label"} and label == label.lower() and len(label.split()) <= 2
    return name == "search_notes" and set(arguments) == {"query", "limit"} and arguments["limit"] == 5
