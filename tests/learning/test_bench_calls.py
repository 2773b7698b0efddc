"""What counts as the wanted call, and as one that nobody wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bench_calls import called
from learning.mornings import Morning
from people.tomas import BESIDE

from persona.report import Rate
from store.records import Message


@dataclass
class _Judged:
    answers: list[Message]


@dataclass
class _Judge:
    answers: list[Message]

    def judge(self, _morning: Any, prompts: list[Any]) -> _Judged:
        assert len(prompts) == len(self.answers)
        return _Judged(self.answers)


def test_calls_are_counted_by_what_was_wanted() -> None:
    """All as wanted; the same calls with another argument; talk answered by a call that was cut off."""
    prose = Message(role="assistant", content="Good morning.")
    wanted = [replace(prose, content="", tool_calls=(ask.call,)) if ask.call else prose for ask in BESIDE]
    assert (Rate(passed=32, asked=32), Rate(passed=0, asked=24)) == called(_Judge(wanted), Morning())
    other = [
        replace(each, tool_calls=(replace(each.tool_calls[0], arguments={"title": "?"}),))
        if each.tool_calls
        else replace(each, content='<tool_call>\n{"name": "add_t')
        for each in wanted
    ]
    assert (Rate(passed=0, asked=32), Rate(passed=24, asked=24)) == called(_Judge(other), Morning())
