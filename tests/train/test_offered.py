"""Tools on offer, and what is kept behind them."""

import re

import pytest
import torch

from persona.evaluate.neutral import small_talk
from persona.offers import MOST_OFFERS, offers
from persona.train.offered import offered_rows
from persona.train.replay import ReplayRow, prompts, talk_prompts
from persona.train.rows import Likeliest
from store.records import Demonstration, Message, ToolCall

_WORD = re.compile(r"\w+")
CALL = Message(role="assistant", content="", tool_calls=(ToolCall(name="find", arguments={}, id="1"),))
LIKELIEST = Likeliest(kept=torch.zeros(2, 4), logprobs=torch.zeros(2, 4))


def tool(name: str) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def shown(text: str, *names: str, answer: Message = CALL, system: str = "") -> Demonstration:
    told = (Message(role="system", content=system),) if system else ()
    return Demonstration(
        id="",
        conversation="c",
        prompt=(*told, Message(role="user", content=text)),
        tools=tuple(map(tool, names)),
        completion=answer,
        signals=(),
        preferences=(),
    )


def test_the_usual_sets_of_tools_come_first():
    """Each set once, with what the system said last: a day that is written there makes no other offer. Of
    equals the newest comes first, and prose behind tools names none."""
    newest = offers([shown("a", "find"), shown("b", "sort")])
    assert ["sort", "find"] == [each.tools[0]["function"]["name"] for each in newest]
    found = offers(
        [
            shown("a", "find"),
            shown("b", "find", "sort", system="It is Monday."),
            shown("c", "find", "sort", system="Be quick."),
            shown("d", "other", answer=Message(role="assistant", content="No.")),
        ]
    )
    assert [["find", "sort"], ["find"]] == [[t["function"]["name"] for t in each.tools] for each in found]
    assert "Be quick." == found[0].system[0].content
    assert MOST_OFFERS == len(offers([shown("a", f"tool{n}") for n in range(MOST_OFFERS + 2)]))


def test_small_talk_that_trains_is_not_what_the_gate_asks():
    """No line of the one list is in the other, nor one that differs by a word: a gate that asks what was
    trained on measures nothing."""
    trained, judged = (
        [frozenset(_WORD.findall(text.lower())) for text in each()] for each in (talk_prompts, small_talk)
    )
    near = [(a, b) for a in trained for b in judged if len(a & b) > 0.6 * len(a | b)]
    assert not near


@pytest.mark.parametrize("listed", [prompts, talk_prompts])
def test_replay_is_asked_behind_the_tools(starter_base, listed):
    """The base's own answer stays as it is; what does not fit is left out, and nothing is to be learnt."""

    template = starter_base.template

    def encode(text: str) -> tuple[int, ...]:
        return tuple(text.encode())

    asked = Message(role="user", content=listed()[3])
    plain = encode(template.render([asked], add_generation_prompt=True))
    replay = [
        ReplayRow(prompt=plain, completion=(7, 8), likeliest=LIKELIEST),
        ReplayRow(prompt=(1, 2), completion=(7, 8), likeliest=LIKELIEST),
    ]
    known = offers([shown("a", "find")])
    (row,) = offered_rows(known, replay, (), template, encode, max_tokens=5000)
    text = bytes(row.prompt).decode()
    assert "find" in text
    assert listed()[3] in text
    assert ((7, 8), 2, True) == (row.chosen, row.kept, row.calls)
    assert not offered_rows(known, replay, (), template, encode, max_tokens=len(row.prompt))
    assert not offered_rows((), replay, (), template, encode, max_tokens=5000)


def test_tasks_are_as_many_as_small_talk(starter_base):
    """All of them where there is no talk."""

    def encode(text: str) -> tuple[int, ...]:
        return tuple(text.encode())

    def row(text: str) -> ReplayRow:
        asked = starter_base.template.render([Message(role="user", content=text)], add_generation_prompt=True)
        return ReplayRow(prompt=encode(asked), completion=(7, 8), likeliest=LIKELIEST)

    def made(talk: list[str], tasks: list[str]) -> list[str]:
        known = offers([shown("a", "find")])
        sides = ([row(text) for text in each] for each in (talk, tasks))
        texts = [
            bytes(each.prompt).decode()
            for each in offered_rows(known, *sides, starter_base.template, encode, max_tokens=5000)
        ]
        return [next(text for text in (*talk, *tasks) if text in prompt) for prompt in texts]

    talk, tasks = talk_prompts()[3:4], prompts()[2:5]
    assert [*talk, *tasks[:1]] == made(talk, tasks)
    assert tasks == made([], tasks)
