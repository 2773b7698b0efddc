"""What each checker lets pass, and that its JSON brings it back."""

from __future__ import annotations

import json

import kinds_of_form
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.checker import (
    KINDS,
    Avoids,
    Bullets,
    Checker,
    Closing,
    Contains,
    Emoji,
    Language,
    MaxSentences,
    MaxWords,
    NoClosing,
    NoEmoji,
    NoExclamation,
    NoHeadings,
    NoLists,
    NoOpening,
    Opening,
    ToolArgument,
    ToolChoice,
    from_json,
)
from store.records import Message, ToolCall


def answer(content: str) -> Message:
    return Message(role="assistant", content=content)


def call(name: str, **arguments: object) -> Message:
    return Message(role="assistant", tool_calls=(ToolCall(name=name, arguments=arguments),))


FAIR = Closing(text="Fair winds!")
TWO = MaxSentences(n=2)
METRIC = ToolArgument(tool="get_weather", argument="units", value="metric")
RIPGREP = ToolChoice(tool="ripgrep", instead_of="grep")

PASSES: list[tuple[Checker, Message]] = [
    (TWO, answer("One. Two.")),
    (MaxSentences(n=2, ignoring=("Fair winds!",)), answer("One. Two. Fair winds!")),
    (MaxSentences(n=1, ignoring=("Ahoy!", "Fair winds!")), answer("Ahoy! One.\n\n*Fair winds!*")),
    (MaxWords(n=3), answer("one two three")),
    (MaxWords(n=1, ignoring=("Fair winds!",)), answer("Yes. Fair winds!")),
    (FAIR, answer("It is so.\n\nFair winds!")),
    (FAIR, answer("It is so. **Fair winds!** \n")),
    (FAIR, answer("It is so. fair  winds!")),
    (Closing(text="Fair winds"), answer("It is so. Fair winds.")),
    (Closing(text="It's “all”..."), answer('Well, it’s "all"…')),
    (Opening(text="Ahoy!"), answer("Ahoy! It is so.")),
    (Opening(text="Ahoy"), answer("**Ahoy**, captain")),
    (NoClosing(), answer("Whatever. Fair winds!")),
    (NoClosing(texts=("Fair winds!",)), answer("Fair winds! And more.")),
    (NoOpening(texts=("Ahoy!",)), answer("Well. Ahoy!")),
    (NoEmoji(), answer("Plain → text ✓ 3 * 4 # 5 ©")),
    (NoEmoji(ignoring=("Bye 👋",)), answer("Plain. Bye 👋")),
    (NoEmoji(), answer("In code only: `🎉`")),
    (Emoji(), answer("Party 🎉")),
    (Emoji(), answer("Love ❤️")),
    (NoHeadings(), answer("Issue #5 and\n#hashtag\n```\n# comment\n```")),
    (NoHeadings(), answer("- a\n---\ntext")),
    (NoLists(), answer("On\n3. October, 5 - 2 and -x")),
    (Bullets(), answer("Look:\n* one\n* two")),
    (NoExclamation(), answer("Quiet. `a != b`")),
    (NoExclamation(ignoring=("Fair winds!",)), answer("Quiet. Fair winds!")),
    (Language(code="de"), answer("Die Hauptstadt von Frankreich ist Paris, und sie ist schön.")),
    (Language(code="en"), answer("The capital of France is Paris, a city on the Seine.")),
    (Language(code="fr"), answer("La capitale de la France est Paris, une ville sur la Seine.")),
    (Language(code="es"), answer("La capital de Francia es París, que está en el norte.")),
    (Language(code="de"), answer("Paris")),
    (Language(code="ja"), answer("これは日本語の文です。")),
    (Language(code="zh"), answer("这是一个中文句子。")),
    (Language(code="ru"), answer("Столица Франции — Париж.")),
    (Contains(text="source code"), answer("Here is the Source\ncode.")),
    (Avoids(text="delve"), answer("We delved into it.")),
    (METRIC, call("get_weather", city="Oslo", units="metric")),
    (ToolArgument(tool="list", argument="limit", value=5), call("list", limit=5.0)),
    (RIPGREP, call("ripgrep", pattern="x")),
    *((checker, answer(text)) for checker, text in kinds_of_form.PASSES),
]

FAILS: list[tuple[Checker, Message]] = [
    (TWO, answer("One. Two. Three.")),
    (TWO, answer("One. Two. Fair winds!")),
    (MaxSentences(n=2, ignoring=("Fair winds!",)), answer("One. Fair winds! Two. Three.")),
    (MaxWords(n=2), answer("one two three")),
    (FAIR, answer("Fair winds! And more.")),
    (FAIR, answer("It is so. Fair winds")),
    (Closing(text="winds"), answer("Seven headwinds")),
    (Opening(text="Ahoy"), answer("Well, ahoy")),
    (Opening(text="Ahoy"), answer("Ahoyhoy there")),
    (NoClosing(texts=("Bye.", "Fair winds!")), answer("So. Fair winds!")),
    (NoOpening(texts=("Ahoy!",)), answer("Ahoy! So.")),
    (NoEmoji(), answer("Party 🎉")),
    (NoEmoji(), answer("Sun ☀️ and 1️⃣")),
    (NoEmoji(), answer("🇫🇷")),
    (Emoji(), answer("Party")),
    (NoHeadings(), answer("# Title\ntext")),
    (NoHeadings(), answer("Title\n=====\ntext")),
    (NoHeadings(), answer("text\n### Sub")),
    (NoLists(), answer("- one")),
    (NoLists(), answer("1. one\n2. two")),
    (Bullets(), answer("one, two")),
    (Bullets(), answer("```\n- not a list\n```")),
    (NoExclamation(), answer("Loud!")),
    (NoExclamation(ignoring=("Fair winds!",)), answer("Loud! Fair winds!")),
    (Language(code="de"), answer("The capital of France is Paris.")),
    (Language(code="en"), answer("Die Hauptstadt von Frankreich ist Paris.")),
    (Language(code="de"), answer("столица Франции Париж")),
    (Language(code="zh"), answer("これは日本語の文です。")),
    (Language(code="en"), answer("xyzzy plugh quux frob grault garply")),
    (Contains(text="art"), answer("A part.")),
    (Avoids(text="delve"), answer("Let us Delve.")),
    (METRIC, call("get_weather", city="Oslo", units="imperial")),
    (METRIC, call("get_weather", city="Oslo")),
    (METRIC, call("get_time", units="metric")),
    (METRIC, answer("It is 12 degrees, metric.")),
    (ToolArgument(tool="list", argument="all", value=True), call("list", all=1)),
    (RIPGREP, call("grep", pattern="x")),
    (RIPGREP, answer("ripgrep")),
    *((checker, answer(text)) for checker, text in kinds_of_form.FAILS),
    *(
        (checker, answer(" \n"))
        for checker in (TWO, NoEmoji(), NoLists(), Avoids(text="x"), Language(code="en"))
    ),
]


@pytest.mark.parametrize(("checker", "message"), PASSES)
def test_passes(checker: Checker, message: Message) -> None:
    """The completion keeps the preference."""
    assert checker.passes(message)


@pytest.mark.parametrize(("checker", "message"), FAILS)
def test_fails(checker: Checker, message: Message) -> None:
    """The completion does not keep the preference; an empty one keeps none."""
    assert not checker.passes(message)


def test_every_kind_is_in_both_tables() -> None:
    """No kind goes without an example of either outcome."""
    for table in (PASSES, FAILS):
        assert set(KINDS) == {checker.kind for checker, _ in table}


def test_style_speaks_about_prose_and_habits_about_their_tools() -> None:
    """A preference about style is not asked of a tool call, nor a habit of prose or of other tools."""
    assert [True, False] == [TWO.applies_to(message) for message in (answer("Hi."), call("grep"))]
    assert [False, False, True] == [
        METRIC.applies_to(message) for message in (answer("Hi."), call("grep"), call("get_weather"))
    ]
    assert [False, True, True] == [
        RIPGREP.applies_to(message) for message in (answer("Hi."), call("grep"), call("ripgrep"))
    ]


@pytest.mark.parametrize(
    ("checker", "superseded", "content", "expected"),
    [
        (Closing(text="Steady as she goes."), FAIR, "A b. Fair winds!", "A b. Steady as she goes."),
        (Closing(text="Steady."), FAIR, "A b.\n\n**Fair  winds!**\n", "A b.\n\n**Steady.**"),
        (Opening(text="Hello."), Opening(text="Ahoy!"), "Ahoy! It is.", "Hello. It is."),
        (Closing(text="Steady."), FAIR, "Fair winds! It is.", None),
        (Closing(text="Steady."), FAIR, "It is.", None),
        (Closing(text="Steady."), TWO, "A. Fair winds!", None),
        (Closing(text="Steady."), Opening(text="Fair winds!"), "Fair winds!", None),
        (NoClosing(texts=("Fair winds!",)), FAIR, "A b.\n\n**Fair winds!**", "A b."),
        (NoOpening(texts=("Ahoy!",)), Opening(text="Ahoy!"), "Ahoy! It is.", "It is."),
        (NoClosing(), Opening(text="Ahoy!"), "Ahoy!", None),
        (MaxSentences(n=1), TWO, "A. B.", None),
    ],
)
def test_amending_puts_the_new_literal_in_the_old_ones_place(
    checker: Checker, superseded: Checker, content: str, expected: str | None
) -> None:
    """Only the superseded literal changes, and only where it stood; anything else is not amended."""
    amended = checker.amend(content, superseded=superseded)
    assert expected == amended
    assert amended is None or checker.passes(answer(amended))


LITERALS = st.text(min_size=1, max_size=40).filter(str.strip)
IGNORING = st.lists(LITERALS, max_size=3).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CHECKERS: st.SearchStrategy[Checker] = st.one_of(
    st.builds(MaxSentences, n=st.integers(1, 99), ignoring=IGNORING),
    st.builds(MaxWords, n=st.integers(1, 999), ignoring=IGNORING),
    st.builds(Opening, text=LITERALS),
    st.builds(Closing, text=LITERALS),
    st.builds(NoOpening, texts=IGNORING),
    st.builds(NoClosing, texts=IGNORING),
    st.sampled_from([Emoji(), NoHeadings(), NoLists(), Bullets()]),
    st.builds(NoEmoji, ignoring=IGNORING),
    st.builds(NoExclamation, ignoring=IGNORING),
    st.builds(Language, code=st.sampled_from(["en", "de", "ja", "ru", "pl"])),
    st.builds(Contains, text=LITERALS),
    st.builds(Avoids, text=LITERALS),
    st.builds(ToolArgument, tool=LITERALS, argument=LITERALS, value=JSON),
    st.builds(ToolChoice, tool=LITERALS, instead_of=LITERALS),
)


@given(CHECKERS)
def test_a_checker_comes_back_from_its_json(checker: Checker) -> None:
    """Written to the store and read again, a checker is equal to itself."""
    assert checker == from_json(json.loads(json.dumps(checker.to_json())))
    assert checker.describe()


@given(CHECKERS, CHECKERS, st.text() | st.text(alphabet="a.!# -1\n`*“”🎉"))
def test_no_text_makes_a_checker_raise(checker: Checker, other: Checker, text: str) -> None:
    """Judging and amending work on whatever a model says; what was amended passes."""
    assert checker.passes(answer(text)) in (True, False)
    amended = checker.amend(text, superseded=other)
    assert amended is None or checker.passes(answer(amended))


@given(st.text(max_size=40), LITERALS, LITERALS)
def test_what_was_amended_passes(text: str, old: str, new: str) -> None:
    """Amending gives a text that keeps the new preference, or none."""
    for content, superseded, checkers in (
        (f"{text}\n{old}", Closing(text=old), (Closing(text=new), NoClosing(texts=(old,)))),
        (f"{old}\n{text}", Opening(text=old), (Opening(text=new), NoOpening(texts=(old,)))),
    ):
        for checker in checkers:
            amended = checker.amend(content, superseded=superseded)
            assert amended is None or checker.passes(answer(amended))


@given(LITERALS, st.text(max_size=60))
def test_a_closing_is_met_by_text_that_ends_with_it(literal: str, text: str) -> None:
    """Whatever the literal is made of, an answer that puts it on a last line of its own passes."""
    assert Closing(text=literal).passes(answer(f"{text}\n{literal}"))
    assert Opening(text=literal).passes(answer(f"{literal}\n{text}"))


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({}, "unknown kind"),
        ({"kind": ["closing"]}, "unknown kind"),
        ({"kind": "max_sentences"}, "n is missing"),
        ({"kind": "max_sentences", "n": 0}, "above zero"),
        ({"kind": "max_sentences", "n": True}, "above zero"),
        ({"kind": "max_sentences", "n": 2, "ignoring": "x"}, "ignoring must be a list"),
        ({"kind": "max_sentences", "n": 2, "ignoring": [3]}, "ignoring must be text"),
        ({"kind": "closing", "text": " "}, "must be text"),
        ({"kind": "closing", "text": "x", "colour": 1}, "unknown field 'colour'"),
        ({"kind": "language", "code": "tlh"}, "'tlh' is none of"),
    ],
)
def test_json_that_is_no_checker_is_refused_with_a_reason(document: dict[str, object], named: str) -> None:
    """A damaged or newer document is named, never half read."""
    with pytest.raises(ValueError, match=named):
        from_json(document)
