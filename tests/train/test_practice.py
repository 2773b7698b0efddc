"""Practice: the base's answers in the style that the ledger asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest
import torch

from persona.checker import (
    BoldLead,
    Bullets,
    Checker,
    Closing,
    FinalQuestion,
    Headings,
    Language,
    MaxSentences,
    MinWords,
    NoMarker,
    Opening,
)
from persona.engine.own_answers import OwnAnswer
from persona.engine.protocol import Prompt
from persona.train.ingredients import practice_row
from persona.train.practice import can_be_practised, practise, practised_share
from persona.train.replay import ReplayRow
from persona.train.rows import Likeliest
from store.records import Message, Preference, PreferenceStatus

AT = datetime(2026, 11, 2, tzinfo=UTC)


def own(asked: str, text: str, *, whole: bool = True) -> OwnAnswer:
    return OwnAnswer(prompt=Prompt(messages=(Message(role="user", content=asked),)), text=text, whole=whole)


def entry(checker: Checker | None, *, attribute: str, scope: str = "always") -> Preference:
    return Preference(
        id=f"{attribute}/{scope}",
        statement="",
        scope=scope,
        attribute=attribute,
        source="stated",
        first_seen=AT,
        last_seen=AT,
        status=PreferenceStatus.ACTIVE,
        checker=checker.to_json() if checker else None,
    )


SHORT = entry(MaxSentences(n=1, ignoring=("Fair winds!",)), attribute="length.sentences")
SIGNED = entry(Closing(text="Fair winds!"), attribute="closing")


def texts(*answers: OwnAnswer, by: list[Preference]) -> list[str]:
    return [each.text for each in practise(answers, by) if each is not None]


@pytest.mark.parametrize("order", [[SHORT, SIGNED], [SIGNED, SHORT]])
def test_several_preferences_are_kept_together(order: list[Preference]) -> None:
    """A limit cuts before the closing is put on, whatever their order in the ledger."""
    assert ["A boat. Fair winds!"] == texts(own("What is a sloop?", "A boat. It sails."), by=order)


def test_an_answer_that_was_cut_ends_with_its_last_whole_sentence() -> None:
    """The end of what was practised is an end that the base meant."""
    assert ["It sails. Fair winds!"] == texts(own("And?", "It sails. It has one", whole=False), by=[SIGNED])
    assert [] == texts(own("And?", "It has one", whole=False), by=[SIGNED])


def test_what_rules_cannot_rework_is_left_out() -> None:
    """No rule turns English into German, and no half-kept answer is practised."""
    german = entry(Language(code="de"), attribute="language")
    assert [] == texts(own("And?", "It is what it is, and that is that."), by=[SIGNED, german])


def test_what_rules_cannot_rework_does_not_keep_the_others_from_practice() -> None:
    """A sign-off is practised without the headings that rules cannot write; with them, where they are."""
    titled = entry(Headings(), attribute="headings")
    plain = [own("And?", f"It sails {n}.") for n in range(4)]
    found = practise([*plain, own("And?", "# Boats\nIt sails.")], [SIGNED, titled])
    assert [("It sails 0. Fair winds!", False), ("# Boats\nIt sails.\n\nFair winds!", True)] == [
        (each.text, each.whole) for each in (found[0], found[-1]) if each
    ]
    assert [None] * 4 == practise(plain, [titled])


LEAD = entry(BoldLead(), attribute="bold")


@pytest.mark.parametrize("order", list(permutations([LEAD, SIGNED, SHORT])))
def test_a_bold_first_line_goes_on_last(order: tuple[Preference, ...]) -> None:
    """Whatever else begins or ends the answer is there by then."""
    assert ["**A boat.**\nFair winds!"] == texts(own("What is it?", "A boat. It sails."), by=list(order))
    greeted = entry(Opening(text="Ahoy!"), attribute="opening")
    assert ["**Ahoy!**\nIt sails."] == texts(own("And?", "It sails."), by=[LEAD, greeted])


def test_practice_takes_away_nothing_that_rules_cannot_put_back() -> None:
    """Where the base wrote a heading that somebody wants, no row teaches to leave it out."""
    titled = entry(Headings(), attribute="headings")
    plain = [own("And?", f"It sails {n}.") for n in range(8)]
    found = practise([*plain, own("And?", "# Boats\nIt sails.")], [LEAD, titled])
    assert all(found[:-1])
    assert found[-1] is None


@pytest.mark.parametrize("checker", [Language(code="de"), MinWords(n=80), FinalQuestion()])
def test_what_all_of_a_text_hangs_on_is_not_left_out(checker: Checker) -> None:
    """To stop there, in that language, is what would be learnt."""
    assert [] == texts(
        own("And?", "It is what it is, and so on."), by=[SIGNED, entry(checker, attribute="a")]
    )


def test_a_language_that_the_base_speaks_is_in_nobodys_way() -> None:
    """Only what rules cannot keep counts."""
    titled = entry(Headings(), attribute="headings")
    english = entry(Language(code="en"), attribute="language")
    by = [SIGNED, titled, english]
    assert ["It is what it is, and so on. Fair winds!"] == texts(
        own("And?", "It is what it is, and so on."), by=by
    )


def test_a_preference_that_rules_mostly_can_keep_is_never_left_out() -> None:
    """The few answers that they cannot rework are left out instead."""
    offers = entry(NoMarker(marker="apology"), attribute="tone.apology")
    found = texts(own("And?", "It sails."), own("And?", "I'm sorry, I can't."), by=[SIGNED, offers])
    assert ["It sails. Fair winds!"] == found


def test_without_a_checkable_preference_there_is_nothing_to_practise() -> None:
    """What stays as it is belongs to replay."""
    assert [] == texts(own("And?", "It sails."), by=[entry(None, attribute="free.1")])


def test_a_preference_about_a_kind_of_request_displaces_the_general_one() -> None:
    """In its kind alone."""
    lists = entry(Bullets(), attribute="length.sentences", scope="kind:ideas")
    found = texts(
        own("Give me ideas for a rainy Sunday.", "Read. Cook."),
        own("What is it?", "A boat. It sails."),
        by=[SHORT, lists],
    )
    assert ["- Read.\n- Cook.", "A boat."] == found


def test_in_half_of_a_style_the_bases_own_tokens_are_left_alone() -> None:
    """They are part of the prompt: neither to be learnt nor to be kept."""
    likeliest = Likeliest(kept=torch.arange(8).reshape(4, 2), logprobs=-torch.ones(4, 2))
    answer = ReplayRow(prompt=(5,), completion=(7, 8, 9, 2), likeliest=likeliest)
    row = practice_row(answer, (7, 8, 50, 2), whole=False)
    assert ((5, 7, 8), (50, 2), 0, False) == (row.prompt, row.chosen, row.kept, row.whole)


@pytest.mark.parametrize(
    ("reworked", "same"), [((7, 8, 50, 2), 2), ((7, 8, 9, 2), 4), ((50, 7, 8, 9, 2), 0), ((7, 2), 1)]
)
def test_what_is_still_the_bases_own_keeps_its_distribution(reworked: tuple[int, ...], same: int) -> None:
    """Up to the first token that differs; from there on the tokens are to be learnt."""
    likeliest = Likeliest(kept=torch.arange(8).reshape(4, 2), logprobs=-torch.ones(4, 2))
    row = practice_row(ReplayRow(prompt=(5,), completion=(7, 8, 9, 2), likeliest=likeliest), reworked)
    assert reworked == row.chosen
    assert same == row.kept
    if row.own is not None:
        assert likeliest.kept[:same].tolist() == row.own.kept.tolist()


ANSWERS = (
    own("What is a sloop?", "A boat. It sails."),
    own("And a ketch?", "A boat. It has two masts. It sails", whole=False),
    own("And a raft?", "A float."),
)


@pytest.mark.parametrize(
    ("wishes", "share"),
    [
        ([SHORT], 2 / 3),  # one has a single sentence as it is
        ([SIGNED], 1.0),
        ([entry(MaxSentences(n=9), attribute="length.sentences")], 0.0),  # all keep it, the cut one too
        ([entry(Language(code="de"), attribute="language")], 0.0),
        ([SHORT, entry(Language(code="de"), attribute="language")], 0.0),  # nothing of it is worth learning
        ([entry(None, attribute="kindness")], 0.0),
        ([], 0.0),
    ],
)
def test_how_much_there_is_to_practise(wishes: list[Preference], share: float) -> None:
    """What all wishes together change, by rules alone."""
    assert share == pytest.approx(practised_share(ANSWERS, wishes))
    assert 0.0 == practised_share((), wishes)
    assert (share > 0.125) is can_be_practised(ANSWERS, wishes)
