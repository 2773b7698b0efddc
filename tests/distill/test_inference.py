"""What many acts show: clear styles are found from few edits, and nothing is found where there is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_users import EXTRAS, Style, User, disputed, found, prose, shortened, with_kind

from persona.checker import Closing, Convention, MaxSentences, NoClosing
from persona.distill.inference import Finding
from persona.distill.inference.correction import ERROR_RATE, threshold
from persona.distill.inference.edges import endings, openings, recurring

ENOUGH = 8  # edits


def told(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.scope, finding.statement) for finding in findings}


def test_users_without_a_style_are_told_of_none() -> None:
    """Of two hundred whose edits change whatever chance has, fewer than one in twenty is told anything."""
    misled = [seed for seed in range(200) if found(User(seed).noise(10))]
    assert len(misled) < 0.05 * 200


@settings(max_examples=8, deadline=None)
@given(st.integers(min_value=1000, max_value=10**6), st.integers(min_value=1, max_value=24))
def test_findings_are_what_their_evidence_says(seed: int, count: int) -> None:
    """Whatever comes out keeps the thresholds, names its evidence, and comes out again."""
    observations = User(seed).noise(count) + User(seed + 1).styled(4, shortened)
    findings = found(observations)
    known = {signal for one in observations for signal in one.signals}
    assert findings == found(observations)
    assert len(findings) == len({(each.scope, each.attribute) for each in findings})
    for finding in findings:
        assert 6 <= len(finding.at) <= len(finding.signals)
        assert set(finding.signals) <= known
        assert list(finding.at) == sorted(finding.at)


CLEAR = {
    "Answer in at most 2 sentences.": shortened,
    "End every answer with “Fair winds!”": lambda text, _: f"{text} Fair winds!",
    "Start every answer with “Ahoy,”": lambda text, _: f"Ahoy, {text}",
    "Use emoji in answers.": lambda text, _: f"{text} 😀",
    "Use headings in answers.": lambda text, chance: f"## Answer {chance.random()}\n\n{text}",
    "Answer with bullet points.": lambda text, _: "\n".join(f"- {each}" for each in text.split(". ")),
    "Answer with numbered lists.": lambda text, _: "1. " + text.replace(". ", ".\n2. "),
    "Put the first line in bold.": lambda text, chance: f"**Answer {chance.random()}**\n{text}",
    "Use bold text in answers.": lambda text, chance: f"{text} It is **very {chance.random()}** so.",
    "Put code into code blocks.": lambda text, _: f"{text}\n\n```\nx = 1\n```",
    "End every answer with a question.": lambda text, chance: f"{text} Why {chance.random()}?",
    "Answer in German.": lambda text, chance: (
        f"Das ist der Wind und das ist nicht die See {chance.random()}."
    ),
    "Answer in detail, in at least 50 words.": lambda text, chance: f"{text} {prose(chance, 16)}",
}


@pytest.mark.parametrize("statement", CLEAR)
def test_a_clear_style_is_found_from_eight_edits(statement: str) -> None:
    """By every one of five users, each with eight edits in eight conversations."""
    users = [found(User(seed).styled(ENOUGH, CLEAR[statement])) for seed in range(5)]
    if statement.startswith("Answer in detail"):
        hits = sum(any(each.attribute == "length.words" for each in findings) for findings in users)
    else:
        hits = sum(("always", statement) in told(findings) for findings in users)
    assert 5 == hits


@pytest.mark.parametrize("number", range(len(EXTRAS)))
def test_what_is_always_taken_out_is_found(number: int) -> None:
    """A user who deletes one thing from every answer, and nothing else, is understood."""
    user = User(7)
    texts = [prose(user.chance, 5) for _ in range(ENOUGH)]
    observations = [user.edit(EXTRAS[number](text), text) for text in texts]
    statements = [each.statement for each in found(observations) if each.attribute != "length.sentences"]
    assert 1 == len(statements), statements
    assert statements[0].startswith(("Answer without", "Do not"))


def test_a_style_of_two_parts_is_found_whole() -> None:
    """A sign-off does not hide the limit, nor count against it, nor does its mark show a love of marks."""
    user = User(3)
    observations = user.styled(ENOUGH, lambda text, chance: f"{shortened(text, chance)} Fair winds!")
    assert {
        ("always", "Answer in at most 2 sentences."),
        ("always", "End every answer with “Fair winds!”"),
    } == told(found(observations))


def test_seven_edits_in_one_conversation_are_one_witness() -> None:
    """What a user does in one talk counts once, however often it is done there."""
    observations = User(4).styled(ENOUGH, lambda text, _: f"{text} 😀")
    same = [type(one)(**{**_fields(one), "conversation": "c-1"}) for one in observations]
    assert [] == found(same)


def _fields(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}  # type: ignore[attr-defined]


def test_what_the_request_asks_for_says_nothing_about_the_user() -> None:
    """Answers cut short because the request says how long are no evidence."""
    observations = User(5).styled(ENOUGH, shortened)
    asked = [
        type(one)(**{**_fields(one), "asked": frozenset({"length.sentences", "length.words"})})
        for one in observations
    ]
    assert [] == found(asked)


def test_a_shorter_text_has_less_of_everything() -> None:
    """Eight answers cut to a fifth lost their lists: a wish for short answers, and none against lists."""
    user = User(6)
    observations = []
    for _ in range(ENOUGH):
        text = prose(user.chance, 9)
        listed = f"{text}\n\n- {prose(user.chance, 1)}\n- {prose(user.chance, 1)}"
        observations.append(user.edit(listed, prose(user.chance, 2)))
    assert {("always", "Answer in at most 2 sentences.")} == told(found(observations))


def test_units_are_found_where_they_are_changed() -> None:
    """A convention shows where one style stands for another, not where nothing of it is said."""
    user = User(8)
    observations = user.noise(6)
    for number in range(ENOUGH):
        text = prose(user.chance, 2)
        observations.append(
            user.edit(f"{text} It is {number + 2} miles away.", f"{text} It is {number + 3} km away.")
        )
    (finding,) = found(observations)
    assert Convention(convention="units", style="metric") == finding.checker


@pytest.mark.parametrize("word", ["Sie", "du"])
def test_how_one_is_addressed_is_found_in_what_one_writes(word: str) -> None:
    """Edits into German of answers that are in English: the language is found, and the manner with it."""
    user, said = User(9), f"{{}} ist der Wert, und das wissen {word} nicht, denn er ist {{}}."
    observations = [
        user.edit(prose(user.chance, 1), said.format(user.chance.random(), user.chance.random()))
        for _ in range(ENOUGH)
    ]
    assert {("always", f"Address me with “{word}”."), ("always", "Answer in German.")} <= told(
        found(observations)
    )


def test_a_style_of_one_kind_of_request_has_its_scope() -> None:
    """Short answers to requests for code only, while plain questions are left as long as they were."""
    user = User(9)
    observations = with_kind(user.styled(12, shortened), "code")
    for _ in range(12):
        text = prose(user.chance, 6)
        observations.append(user.edit(text, f"{text} 😀" if user.chance.random() < 0.3 else text + " Aye."))
    assert ("kind:code", "For requests for code: answer in at most 2 sentences.") in told(found(observations))
    assert not any(
        each.attribute == "length.sentences" and each.scope == "always" for each in found(observations)
    )


def test_one_narrow_kind_says_nothing_about_others() -> None:
    """All evidence comes from translations: the finding is about them."""
    observations = with_kind(User(10).styled(ENOUGH, shortened), "translation")
    assert {("kind:translation", "For translations: answer in at most 2 sentences.")} == told(
        found(observations)
    )


def test_a_clear_newer_run_wins() -> None:
    """Thirty edits with one sign-off, then ten with another: the newer is what the user wants now."""
    user = User(11)
    observations = user.styled(30, lambda text, _: f"{text} Fair winds!")
    observations += user.styled(10, lambda text, _: f"{text} Steady as she goes.")
    (finding,) = found(observations)
    assert Closing(text="Steady as she goes.") == finding.checker


def test_a_change_that_is_not_clear_yet_waits() -> None:
    """Thirty edits with one sign-off and three with another: the older is still what is known."""
    user = User(12)
    observations = user.styled(30, lambda text, _: f"{text} Fair winds!")
    observations += user.styled(3, lambda text, _: f"{text} Steady as she goes.")
    (finding,) = found(observations)
    assert Closing(text="Fair winds!") == finding.checker
    assert [] == disputed(observations)


def test_what_takes_turns_is_disputed() -> None:
    """Now this sign-off and now that within days: nobody but the user can say which it is."""
    user = User(13)
    observations = []
    for turn in range(12):
        closing = ("Fair winds!", "Steady as she goes.")[turn % 2]
        observations += user.styled(1, lambda text, _, closing=closing: f"{text} {closing}", day=turn)
    assert [] == found(observations)
    assert {"Fair winds!", "Steady as she goes."} == {
        each.checker.text
        for each in disputed(observations)  # type: ignore[attr-defined]
    }


def test_what_is_far_apart_has_an_order() -> None:
    """One sign-off for weeks, and months later another: a change, not a contradiction."""
    user = User(14)
    observations = []
    for turn in range(6):
        observations += user.styled(1, lambda text, _: f"{text} Fair winds!", day=turn)
    for turn in range(6):
        observations += user.styled(1, lambda text, _: f"{text} Steady as she goes.", day=90 + turn)
    assert [] == disputed(observations)


def test_the_correction_forgets_what_could_not_pass() -> None:
    """A hundred tests of two votes each cost one of eight votes nothing."""
    assert ERROR_RATE == threshold([0.004, *[0.25] * 100])
    assert ERROR_RATE / 4 == threshold([0.004] * 4 + [0.25] * 100)
    assert threshold([0.004] * 6) < 0.004
    assert ERROR_RATE == threshold([])


def test_a_phrase_that_comes_again_is_a_literal() -> None:
    """In four conversations, as it is mostly written; not what stands inside a longer one, nor an item."""
    texts = [(f"c-{n}", [f"It is {n}. So. Fair winds!" if n else "It is. **fair winds!**"]) for n in range(5)]
    assert ["Fair winds!"] == recurring(texts, endings)
    assert [] == recurring(texts[:3], endings)
    assert set() == endings("One.\n\n- an item")
    assert {"Ahoy,"} == openings(
        "Ahoy, the wind is in the west and will be there until the evening of that day."
    )


def test_limits_do_not_move_every_night() -> None:
    """An entry that still fits stands; one that is broken, or much too loose, gives way."""
    user = User(15)
    first = user.styled(10, cut_to(3))
    (finding,) = found(first)
    entry = _entry(finding)
    (again,) = found(first + user.styled(10, cut_to(2)), [entry])
    assert MaxSentences(n=3) == finding.checker == again.checker
    (tighter,) = found(first + user.styled(12, cut_to(1)), [entry])
    assert MaxSentences(n=1) == tighter.checker


def cut_to(count: int) -> Style:
    return lambda text, _: ". ".join(text.split(". ")[:count]).rstrip(".") + "."


def _entry(finding: Finding):
    from store.identity import with_id
    from store.records import Preference, PreferenceStatus

    return with_id(
        Preference(
            id="",
            statement=finding.statement,
            scope=finding.scope,
            attribute=finding.attribute,
            source="inferred",
            first_seen=finding.at[0],
            last_seen=finding.at[-1],
            status=PreferenceStatus.ACTIVE,
            checker=finding.checker.to_json(),
            signals=finding.signals,
        )
    )


def test_a_phrase_that_is_taken_out_is_named() -> None:
    """The model's own farewell, deleted every time."""
    user = User(16)
    texts = [prose(user.chance, 3) for _ in range(ENOUGH)]
    (finding,) = found([user.edit(f"{text} Let me know!", text) for text in texts])
    assert NoClosing(texts=("Let me know!",)) == finding.checker
