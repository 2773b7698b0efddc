"""Held-out, replay and neutral prompts share nothing with the week or with each other."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from sample_files import (
    HELD_OUT,
    NEUTRAL,
    PRACTICE,
    REPLAY,
    STAND_INS,
    WEEK,
    is_habitual,
    normalised,
    questions,
)


def test_held_out_has_its_two_kinds() -> None:
    """48 chat prompts, and 30 tool requests whose expected calls keep the habits, ten for each tool."""
    assert {"chat": 48, "tool": 30} == Counter(row["kind"] for row in HELD_OUT)
    assert all(set(row) == {"kind", "prompt"} for row in HELD_OUT if row["kind"] == "chat")
    calls = [(row["call"]["name"], row["call"]["arguments"]) for row in HELD_OUT if row["kind"] == "tool"]
    assert all(map(is_habitual, calls))
    assert {"get_weather": 10, "set_timer": 10, "search_notes": 10} == Counter(name for name, _ in calls)


@pytest.mark.parametrize("argument", ["city", "label", "query"])
def test_held_out_calls_name_what_no_request_of_the_week_named(argument: str) -> None:
    """A right argument has to be read from the request; it cannot be remembered."""
    asked = {
        row["call"]["arguments"][argument]
        for row in HELD_OUT
        if argument in row.get("call", {}).get("arguments", {})
    }
    requests = [row["messages"] for row in WEEK if "tools" in row]
    week = normalised(json.dumps(requests, ensure_ascii=False))
    assert len(asked) == 10
    assert [] == [value for value in asked if f" {normalised(value)} " in f" {week} "]


def test_prompt_files_have_their_size() -> None:
    """One prompt a line, none empty, none twice."""
    for size, lines in ((200, REPLAY), (60, NEUTRAL), (96, PRACTICE), (72, STAND_INS)):
        assert size == len(lines) == len({normalised(line) for line in lines})
        assert all(line == line.strip() != "" for line in lines)


def test_no_prompt_is_in_two_files() -> None:
    """What is trained on, what is measured and what is held out never share a prompt."""
    groups = {
        "week": {normalised(question) for row in WEEK for question in questions(row)},
        "held_out": {normalised(row["prompt"]) for row in HELD_OUT},
        "replay": set(map(normalised, REPLAY)),
        "neutral": set(map(normalised, NEUTRAL)),
        "practice": set(map(normalised, PRACTICE)),
        "stand-ins": set(map(normalised, STAND_INS)),
    }
    assert len(groups["held_out"]) == len(HELD_OUT)
    names = sorted(groups)
    shared = {(a, b): groups[a] & groups[b] for a in names for b in names if a < b and groups[a] & groups[b]}
    assert {} == shared


def test_no_held_out_prompt_is_a_twin_of_one_of_the_week() -> None:
    """Not only different letters: no two questions share more than 70 % of their words."""
    week = [set(normalised(question).split()) for row in WEEK for question in questions(row)]
    for row in HELD_OUT:
        if row["kind"] == "chat":
            words = set(normalised(row["prompt"]).split())
            assert max(len(words & other) / len(words | other) for other in week) <= 0.7, row["prompt"]
