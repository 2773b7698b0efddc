"""Measures of single answers."""

import pytest
from evaluate_parts import completion

from persona.evaluate.calls import exact, valid
from persona.evaluate.form import form_of, loops
from store.records import Message, ToolCall

TOOLS = (
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "units": {"enum": ["metric", "imperial"]}},
                "required": ["city"],
            },
        },
    },
)


def calling(*calls: tuple[str, dict]) -> Message:
    return Message(role="assistant", tool_calls=tuple(ToolCall(name=n, arguments=a) for n, a in calls))


VALID = {
    "fits": (("get_weather", {"city": "Oslo", "units": "metric"}), True),
    "unknown tool": (("get_tide", {"city": "Oslo"}), False),
    "required argument missing": (("get_weather", {"units": "metric"}), False),
    "not in the enum": (("get_weather", {"city": "Oslo", "units": "kelvin"}), False),
    "wrong type": (("get_weather", {"city": 3}), False),
}


@pytest.mark.parametrize(("call", "expected"), VALID.values(), ids=VALID)
def test_a_call_is_valid_when_it_fits_its_schema(call, expected):
    """The tool's own schema decides."""
    assert expected == valid(calling(call), TOOLS)


NO_SCHEMA = {
    "none": None,
    "a type that there is not": {"type": "dict"},
    "a pattern of another language": {"properties": {"city": {"pattern": "^\\p{L}+$"}}},
    "a reference into nothing": {"$ref": "#/nowhere"},
    "a reference elsewhere": {"$ref": "http://127.0.0.1:9/schema"},
}


@pytest.mark.parametrize("schema", NO_SCHEMA.values(), ids=NO_SCHEMA)
def test_a_schema_that_is_none_asks_for_nothing(schema, monkeypatch):
    """A client's odd tool must not end the night of its user; and nothing is fetched."""
    fetched = []
    monkeypatch.setattr("urllib.request.urlopen", lambda *asked, **_: fetched.append(asked))
    tools = ({"type": "function", "function": {"name": "get_weather", "parameters": schema}},)
    assert valid(calling(("get_weather", {"city": "Oslo"})), tools)
    assert [] == fetched


def test_no_call_at_all_is_not_valid():
    """A request for a tool that was answered in prose did not work."""
    assert not valid(Message(role="assistant", content="It is sunny."), TOOLS)


def test_exact_ignores_order_and_ids_and_nothing_else():
    """Equal names and equal arguments, all of them."""
    wanted = calling(("a", {"x": 1, "y": "z"}), ("b", {}))
    same = Message(
        role="assistant",
        tool_calls=(
            ToolCall(name="b", arguments={}, id="9"),
            ToolCall(name="a", arguments={"y": "z", "x": 1}),
        ),
    )
    assert exact(same, wanted.tool_calls)
    assert not exact(calling(("a", {"x": 1, "y": "z"})), wanted.tool_calls)
    assert not exact(calling(("a", {"x": "1", "y": "z"}), ("b", {})), wanted.tool_calls)
    assert not exact(calling(), ())


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        ("the power of the story is " * 6, True),
        ("He sailed as Marco Polo Marco Polo Marco Polo Marco Polo Marco Polo Marco Polo Ma", True),
        ("\n".join(f"{n}. Use a cold compress." for n in range(1, 9)), True),
        ("A fruit that grows on trees in the warm parts of the world. " * 2, True),
        ("no no no, that is not what the sailor said to the other sailor", False),
        (
            (
                "It is a body of water in the east, a body of water that is not a body of water at all, "
                "but two that meet, and so a body of water of its own."
            ),
            False,
        ),
        ("1. Peel it.\n2. Cut it.\n3. Boil it.\n4. Peel it again.\n5. Cut it again.\n6. Eat it.", False),
        ("", False),
    ],
)
def test_a_text_that_cannot_end_loops(text: str, looping: bool):
    """What stands there again and again with nothing in between, whatever numbers its lines; and not a
    phrase that comes back."""
    assert loops(text) is looping


def test_form_counts_shares_of_answers():
    """Truncated, looping and empty answers, and the mean length."""
    form = form_of([completion("one two"), completion("a b c d " * 9, "length"), completion("  ")])
    assert form is not None
    assert (round(form.truncated, 2), round(form.looping, 2), round(form.empty, 2)) == (0.33, 0.33, 0.33)
    assert 38 / 3 == pytest.approx(form.words)


def test_no_answers_have_no_form():
    """Missing is None, so that the gate refuses it."""
    assert form_of([]) is None


COUNTED = {
    "a line with a counter": ("\n".join(f"Day {n}: rest and drink water." for n in range(1, 9)), True),
    "emoji": ("Sure! " + "\U0001f389" * 20, True),
    "a table of sums": ("\n".join(f"{n} x 7 = {7 * n}" for n in range(1, 11)), False),
    "numbers": (" ".join(str(10 * n) for n in range(1, 30)), False),
    "a plan": ("Day 1: rest. Day 2: swim a mile. Day 3: lift heavy weights. Day 4: run in the park.", False),
}


@pytest.mark.parametrize(("text", "expected"), COUNTED.values(), ids=COUNTED)
def test_a_counter_does_not_hide_a_loop(text, expected):
    """What only numbers tell apart is the same again, where there are words beside them."""
    assert expected == loops(text)
