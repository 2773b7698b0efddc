"""Requests with other values in them."""

from hypothesis import given
from hypothesis import strategies as st

from persona.train.calls import MadeOfCalls
from persona.train.rows import Row
from persona.train.variations import variations
from store.records import Demonstration, Message, PreferencePair, ToolCall


def wanted(name: str, **arguments: object) -> Message:
    return Message(
        role="assistant", content="", tool_calls=(ToolCall(name=name, arguments=arguments, id="1"),)
    )


def shown(text: str, answer: Message) -> Demonstration:
    return Demonstration(
        id="e",
        conversation="c",
        prompt=(Message(role="system", content="Be quick."), Message(role="user", content=text)),
        tools=(),
        completion=answer,
        signals=(),
        preferences=(),
    )


def asked(made: Demonstration) -> tuple[str, dict[str, object]]:
    (call,) = made.completion.tool_calls
    return made.prompt[-1].content, dict(call.arguments)


TRAINS = [
    shown("Trains to Graz, please.", wanted("trains", to="Graz", seat="quiet")),
    shown("Is there a train to Linz?", wanted("trains", to="Linz", seat="quiet")),
]


def test_what_was_copied_is_exchanged_in_request_and_call():
    """What the request does not name stays, as the seat does."""
    made = variations(TRAINS, each=1, seed=1)
    assert [
        ("Trains to Linz, please.", {"to": "Linz", "seat": "quiet"}),
        ("Is there a train to Graz?", {"to": "Graz", "seat": "quiet"}),
    ] == [asked(each) for _, each in made]
    assert TRAINS == [of for of, _ in made]
    assert all("Be quick." == each.prompt[0].content for _, each in made)


def test_values_stay_with_their_tool_and_argument():
    """A title is no town, and a day no title."""
    examples = [
        *TRAINS,
        shown("Put lunch on Friday.", wanted("add", title="lunch", day="Friday")),
        shown("Put tennis on Monday.", wanted("add", title="tennis", day="Monday")),
    ]
    made = [asked(each) for _, each in variations(examples, each=1, seed=1)]
    assert {"Linz", "Graz"} == {arguments["to"] for _, arguments in made if "to" in arguments}
    for text, arguments in made:
        if "title" in arguments:
            assert arguments["title"] in ("lunch", "tennis")
            assert f"Put {arguments['title']} on {arguments['day']}." == text


def test_what_is_not_copied_word_for_word_is_left_alone():
    """A value that stands twice, in other words, within a word, as a number, or that nobody else gave."""
    for text, value in (
        ("Graz or Graz?", "Graz"),
        ("To the capital.", "Vienna"),
        ("Grazing in Tyrol.", "Graz"),
        ("For 45 minutes.", 45),
    ):
        assert not variations([shown(text, wanted("trains", to=value)), TRAINS[1]], each=3, seed=1)
    assert not variations(TRAINS[:1], each=3, seed=1)
    assert not variations([shown("Graz?", Message(role="assistant", content="Graz."))], each=3, seed=1)


def test_a_pair_and_a_demonstration_of_one_request_are_varied_once():
    """Of a pair it is the wanted side, and there is no other side any more."""
    pair = PreferencePair(
        id="p",
        conversation="c",
        prompt=TRAINS[0].prompt,
        tools=(),
        chosen=TRAINS[0].completion,
        rejected=wanted("trains", to="Graz", seat="any"),
        signals=(),
        preferences=(),
    )
    made = variations([pair, *TRAINS], each=1, seed=1)
    assert 2 == len(made)
    assert "Linz" == asked(made[0][1])[1]["to"]


towns = st.sampled_from(["Graz", "Linz", "Bad Ischl", "St. Veit", "Wien (West)", "x+y"])
texts = st.sampled_from(["Trains to {}.", "{}?", "I have to be in {} by noon.", "From here: {}"])


@given(st.lists(st.tuples(texts, towns), max_size=8), st.integers(0, 4), st.integers(0, 9))
def test_a_variation_asks_for_what_its_call_gets(pairs, each, seed):
    """Each is a request of the user's with a value of the user's; none is known or made twice."""
    examples = [shown(text.format(town), wanted("trains", to=town)) for text, town in pairs]
    known = {text.format(town) for text, town in pairs}
    made = [asked(one) for _, one in variations(examples, each=each, seed=seed)]
    assert len({text for text, _ in made}) == len(made)
    assert len(made) <= each * len(known)
    for text, arguments in made:
        assert text not in known
        assert arguments["to"] in {town for _, town in pairs}
        assert text in {template.format(arguments["to"]) for template, _ in pairs}
    again = [asked(one) for _, one in variations(examples, each=each, seed=seed)]
    assert made == again


def test_variations_take_turns_with_what_they_vary():
    """They make no group of their own, and what is beside the calls is none of them."""
    begin = (9, 9, 9, 9, 9)
    own = [Row(prompt=(*begin, n), chosen=(5, n), calls=True) for n in (1, 2)]
    offered = Row(prompt=(*begin, 7), chosen=(6,), calls=True)
    varied = Row(prompt=(*begin, 3), chosen=(5, 3), calls=True)
    stranger = Row(prompt=(*begin, 8), chosen=(5, 8), calls=True)
    made = MadeOfCalls(offered=(offered,), varied=((own[1], varied), (stranger, varied)))
    (found,) = made.families([*own, *made.rows], [[0], [1]], first=2)
    assert ((0,), (1, 3)) == found.groups
    assert (2,) == found.beside
