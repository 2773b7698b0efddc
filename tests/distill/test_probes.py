"""How many held-out prompts a night asks, and which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from persona.distill import Probe, bounded, probes
from persona.distill.probes import CHATS
from persona.distill.stand_ins import LANGUAGES, stand_in_prompts, usual_language
from store.records import DatasetSnapshot, Json, Message, Preference, PreferencePair, PreferenceStatus

AT = datetime(2026, 1, 1, tzinfo=UTC)


def preference(name: str) -> Preference:
    return Preference(
        id=name,
        statement=name,
        scope="always",
        attribute=name,
        source="stated",
        first_seen=AT,
        last_seen=AT,
        status=PreferenceStatus.ACTIVE,
    )


def probe(number: int, *names: str) -> Probe:
    return Probe(
        conversation=f"c-{number}",
        prompt=(Message(role="user", content=f"Question {number}?"),),
        tools=(),
        reference=Message(role="assistant", content="Yes."),
        preferences=tuple(preference(name) for name in names),
    )


def test_the_newest_of_each_preference_are_asked() -> None:
    """A preference with two probes keeps both beside one with ten; what goes are the oldest of the many."""
    found = [probe(0, "rare"), *(probe(n, "style") for n in range(1, 11)), probe(11, "rare")]

    kept = bounded(found, 5)

    assert ["c-0", "c-8", "c-9", "c-10", "c-11"] == [each.conversation for each in kept]


@pytest.mark.parametrize("most", [0, 1, 3, 99])
def test_never_more_than_asked_for(most: int) -> None:
    """Few probes stay as they are; none are asked where none may be."""
    found = [probe(n, "a", "b") for n in range(3)]

    assert min(most, 3) == len(bounded(found, most))


def held_out(
    *questions: str,
    before: tuple[Message, ...] = (),
    scope: str = "kind:code",
    checker: Mapping[str, Json] = MappingProxyType({"kind": "no_emoji"}),
) -> list[Probe]:
    """The probes of these prompts, where code (or what else `scope` says) is to be free of emoji."""
    entry = replace(preference("p"), scope=scope, attribute="emoji", checker=checker)
    pairs = [
        PreferencePair(
            id=f"e-{number}",
            conversation=f"c-{number}",
            prompt=(*before, Message(role="user", content=question)),
            tools=(),
            chosen=Message(role="assistant", content="Like so."),
            rejected=Message(role="assistant", content="Like so 😀"),
            signals=(),
            preferences=(),
        )
        for number, question in enumerate(questions)
    ]
    names = tuple(pair.id for pair in pairs)
    snapshot = DatasetSnapshot(id="d", at=AT, train=(), held_out=names, preferences=(entry,))
    return probes(snapshot, pairs)


def test_plain_prompts_fill_up_to_a_few() -> None:
    """The newest of them, beside all that a preference speaks about; where those are enough, none."""
    code = [f"Write a Python function that sorts {number} lists." for number in range(CHATS)]
    plain = [f"Question {number}?" for number in range(CHATS)]
    mixed = held_out(*plain, *code[:2])
    assert [*plain[2:], *code[:2]] == [each.prompt[0].content for each in mixed]
    assert [False] * (CHATS - 2) + [True] * 2 == [bool(each.preferences) for each in mixed]
    assert code == [each.prompt[0].content for each in held_out(*plain, *code)]


def test_few_prompts_have_stand_ins() -> None:
    """What all prose has to keep is asked of six prompts at least: the user's own, and then shipped ones."""
    own = [f"Question {number}?" for number in range(CHATS)]
    shipped = stand_in_prompts("en")
    few = held_out(*own[:2], scope="always")
    assert [*shipped[: CHATS - 2], *own[:2]] == [each.prompt[0].content for each in few]
    assert all(each.preferences for each in few)
    assert [False] * (CHATS - 2) + [True] * 2 == [bool(each.conversation) for each in few]
    assert own == [each.prompt[0].content for each in held_out(*own, scope="always")]
    assert shipped[:CHATS] == [each.prompt[0].content for each in held_out(scope="always")]


def test_what_the_user_asked_stands_in_for_nothing() -> None:
    """It may be trained on, with whatever stood before it; asked by the user, it is a probe of their own."""
    first, second, *others = stand_in_prompts("en")
    system = Message(role="system", content="You are a clock.")
    before = (system, Message(role="user", content=second), Message(role="assistant", content="Hours."))
    found = held_out(first.upper(), scope="always", before=before)
    assert [*others[: CHATS - 1], first.upper()] == [each.prompt[-1].content for each in found]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wie lange muss ich den Reis kochen und wann ist er fertig?", "de"),
        ("Où est-ce que je peux acheter des timbres pour une lettre ?", "fr"),
        ("¿Dónde puedo comprar los sellos para una carta?", "es"),
        ("Dove posso comprare i francobolli per una lettera?", "it"),
        ("Onde é que eu posso comprar os selos para uma carta?", "pt"),
        ("Var kan jag köpa frimärken och ett kuvert till det?", "en"),
        ("2 + 2", "en"),
    ],
)
def test_stand_ins_speak_the_users_language(question: str, language: str) -> None:
    """Of those that persona reads; English where it is none of them."""
    found = held_out(question, scope="always")
    assert stand_in_prompts(language)[: CHATS - 1] == [each.prompt[0].content for each in found[:-1]]


def test_every_language_has_its_stand_ins() -> None:
    """As many, each recognisably its own, and enough for a night."""
    lists = {language: stand_in_prompts(language) for language in LANGUAGES}
    assert {12} == set(map(len, lists.values()))
    assert {language: language for language in LANGUAGES} == {
        language: usual_language(texts) for language, texts in lists.items()
    }
    assert "en" == usual_language([])
    dutch = ["Wat is er in de stad te doen en hoe kom ik er met de trein?"] * 3
    assert "en" == usual_language([*dutch, "Wie lange muss ich den Reis kochen und wann ist er fertig?"])


def test_stand_ins_are_questions() -> None:
    """A preference for questions displaces the one that is always in force there too, and is asked."""
    always = replace(preference("a"), attribute="length", checker={"kind": "max_sentences", "n": 2})
    kind = replace(always, id="k", scope="kind:question", checker={"kind": "max_sentences", "n": 5})
    snapshot = DatasetSnapshot(id="d", at=AT, train=(), held_out=(), preferences=(always, kind))
    assert [["k"]] * CHATS == [[each.id for each in probe.preferences] for probe in probes(snapshot, [])]


@pytest.mark.parametrize(
    ("scope", "checker"),
    [
        ("kind:code", {"kind": "no_emoji"}),
        ("tool:clock", {"kind": "no_emoji"}),
        ("always", {"kind": "tool_argument", "tool": "clock", "argument": "zone", "value": "UTC"}),
        ("always", {"kind": "convention", "convention": "units", "style": "metric"}),
    ],
)
def test_no_stand_in_for_what_prose_seldom_shows(scope: str, checker: Mapping[str, Json]) -> None:
    """One kind of request, one tool, arguments, units: only the user's own prompts can tell."""
    assert [] == held_out(scope=scope, checker=checker)


@given(st.lists(st.sets(st.sampled_from("abc")), max_size=30), st.integers(0, 30))
@example([set(), {"a"}, {"b"}, {"c"}], 3)  # the plain prompt came first, and took a preference's place
def test_order_and_share(names: list[set[str]], most: int) -> None:
    """The order stays, nothing comes twice, and while there is room every preference has a probe."""
    found = [probe(n, *sorted(each)) for n, each in enumerate(names)]

    kept = bounded(found, most)

    assert min(most, len(found)) == len(kept)
    assert kept == [each for each in found if each in kept]
    if most >= 3:
        assert set().union(*names) == {each.id for one in kept for each in one.preferences}
