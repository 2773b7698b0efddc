"""Preferences act through the prompt until the weights carry them, and come back when they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from persona.bridge import CARRIED_ASKED, LONGEST, borne, bridged, live, live_for
from persona.engine.protocol import Prompt
from persona.report import Arm, EvalReport, Rate, Spoken, Told
from store import Store
from store.identity import with_id
from store.records import Message, Preference, PreferenceStatus, Run, RunState

AT = datetime(2026, 11, 2, tzinfo=UTC)
WEATHER = {"type": "function", "function": {"name": "get_weather"}}


def preference(statement: str, *, day: int = 0, **more: Any) -> Preference:
    fields: dict[str, Any] = {
        "id": "",
        "statement": statement,
        "scope": "always",
        "attribute": statement,
        "source": "stated",
        "first_seen": AT,
        "last_seen": AT + timedelta(days=day),
        "status": PreferenceStatus.ACTIVE,
    }
    return with_id(Preference(**fields | more))


def report(revision: str, **passed: tuple[int, int]) -> EvalReport:
    """A report on the revision: statement -> (passed, asked)."""
    adoption = {
        preference(statement).id: Rate(passed=done, asked=asked)
        for statement, (done, asked) in passed.items()
    }
    base = Arm(revision="r0")
    return EvalReport(
        candidate=Arm(revision=revision, adoption=adoption),
        champion=base,
        base=base,
        statements={},
        engine="fake",
    )


def asked(text: str, *before: Message, tools: tuple[Any, ...] = ()) -> Prompt:
    return Prompt(messages=(*before, Message(role="user", content=text)), tools=tools)


def test_without_a_report_everything_is_live() -> None:
    """The bare base has learned nothing."""
    entries = [preference("a"), preference("b", status=PreferenceStatus.CONTESTED)]
    assert (entries[0],) == live(entries, None)


def test_what_the_weights_carry_leaves_the_prompt() -> None:
    """Kept on four of five held-out prompts with the statement withheld; three at least have to tell."""
    entries = [preference(name) for name in "abcd"]
    judged = report("rev-1", a=(8, 10), b=(7, 10), c=(CARRIED_ASKED - 1, CARRIED_ASKED - 1))
    assert {"b", "c", "d"} == {entry.statement for entry in live(entries, judged)}


def test_it_comes_back_when_a_later_revision_fails() -> None:
    """Each revision is asked for itself."""
    entry = preference("a")
    assert () == live([entry], report("rev-1", a=(9, 10)))
    assert (entry,) == live([entry], report("rev-2", a=(1, 10)))


def test_only_the_arm_of_the_revision_counts() -> None:
    """A report about others says nothing about this one."""
    entry = preference("a")
    judged = report("rev-1", a=(10, 10))
    assert () == live([entry], judged, revision="rev-1")
    assert (entry,) == live([entry], judged, revision="r0")
    assert (entry,) == live([entry], judged, revision="rev-9")


def told(said: int, *, of: Preference, own: int = 1) -> Told:
    """Said, `said` of twenty checks pass, and 12 without; `own` of its own, and 1 without."""
    rates = {
        "own_withheld": Rate(passed=1, asked=10),
        "own_said": Rate(passed=own, asked=10),
        "all_withheld": Rate(passed=12, asked=20),
        "all_said": Rate(passed=said, asked=20),
    }
    return Told(
        preferences=(of.id,),
        withheld=rates["all_withheld"],
        said=rates["all_said"],
        each={of.id: Spoken(**rates)},
    )


def test_what_does_harm_when_it_is_said_stays_unsaid() -> None:
    """Seen on held-out prompts of the revision that answers: kept no more often, and any check lost."""
    entry, later = preference("a"), preference("b")
    judged = report("rev-1", a=(1, 10))
    for said, expected in ((10, (later,)), (11, (later,)), (12, (entry, later)), (19, (entry, later))):
        harmed = replace(judged, told=told(said, of=entry))
        assert set(expected) == set(live([entry, later], harmed))
        assert {entry, later} == set(live([entry, later], harmed, revision="r0"))  # nobody asked the base


def test_an_answer_of_luck_silences_nothing_that_gains() -> None:
    """Alone in the prompt it was kept more often: one check less among twenty shows nothing."""
    entry = preference("a")
    for said, expected in ((10, ()), (11, (entry,))):
        found = told(said, of=entry, own=2)
        alone = {key: replace(each, alone=True) for key, each in found.each.items()}
        assert expected == live([entry], replace(report("rev-1", a=(1, 10)), told=replace(found, each=alone)))


def test_what_gains_beside_others_is_said_whatever_else_it_costs() -> None:
    """Another preference may have cost the rest: all of them were in the prompt."""
    entry = preference("a")
    beside = told(3, of=entry, own=2)
    assert (entry,) == live([entry], replace(report("rev-1", a=(1, 10)), told=beside))
    alone = {key: replace(each, alone=True) for key, each in beside.each.items()}
    assert () == live([entry], replace(report("rev-1", a=(1, 10)), told=replace(beside, each=alone)))


def test_a_report_that_did_not_look_at_each_silences_nothing() -> None:
    """Reports of earlier nights knew the sum alone."""
    entry = preference("a")
    older = replace(told(0, of=entry), each={})
    assert (entry,) == live([entry], replace(report("rev-1", a=(1, 10)), told=older))


def test_what_the_user_pinned_is_said_whatever_it_does() -> None:
    """A pin is the user's own will."""
    entry = replace(preference("a"), pinned=True)
    harmed = replace(report("rev-1", a=(1, 10)), told=told(0, of=entry, own=0))
    assert () == live([replace(entry, pinned=False)], harmed)
    assert (entry,) == live([entry], harmed)


def test_the_users_word_comes_first() -> None:
    """Pinned, then stated, then inferred; the latest first."""
    entries = [
        preference("inferred", source="inferred", day=9),
        preference("old", day=1),
        preference("new", day=2),
        replace(preference("pinned", source="inferred"), pinned=True),
    ]
    assert ["pinned", "new", "old", "inferred"] == [entry.statement for entry in live(entries, None)]


def test_a_prompt_gets_the_statements_behind_the_clients_own_words() -> None:
    """The client's system prompt is kept, in front; without one there is one now."""
    entries = [preference("Be brief."), preference("Say  hello\nfirst.")]
    plain = bridged(asked("Why?"), entries)
    assert ["system", "user"] == [message.role for message in plain.messages]
    assert plain.messages[0].content.endswith(":\n- Be brief.\n- Say hello first.")
    own = bridged(asked("Why?", Message(role="system", content="You are a pirate.\n")), entries)
    assert own.messages[0].content.startswith("You are a pirate.\n\nWhat the user prefers")
    assert plain.messages[1:] == own.messages[1:]


def test_a_prompt_without_statements_stays_as_it_is() -> None:
    """Nothing to say is nothing said."""
    prompt = asked("Why?")
    assert prompt is bridged(prompt, [])


def test_only_what_speaks_about_the_prompt_is_said() -> None:
    """A kind of request is told of its own preferences, and tools of their habits when they are on offer."""
    entries = [
        preference("In code.", scope="kind:code"),
        preference("In metric.", scope="tool:get_weather"),
        preference("Always."),
    ]

    def said(prompt: Prompt) -> list[str]:
        return [line[2:] for line in bridged(prompt, entries).messages[0].content.split("\n")[1:]]

    assert ["Always."] == said(asked("Why is the sky blue?"))
    assert ["In code.", "Always."] == said(asked("Write a Python function that sorts."))
    assert ["In metric.", "Always."] == said(asked("Weather in Kiel?", tools=(WEATHER,)))


@given(st.lists(st.text(max_size=400), max_size=30))
def test_the_prompt_stays_short_and_the_same(statements: list[str]) -> None:
    """Statements are whole or not there; together they are LONGEST characters at most."""
    entries = [preference(statement) for statement in statements]
    once, again = (bridged(asked("Why?"), entries) for _ in range(2))
    assert once == again
    assert once.messages[-1] == asked("Why?").messages[-1]
    said = sum(len(message.content) for message in once.messages[:-1])
    assert said <= LONGEST + 60 + 3 * len(statements)


def test_live_for_a_revision_reads_its_own_run(tmp_path: Path) -> None:
    """From the ledger and the report of the run that made it; the bare base has none."""
    with Store.open(tmp_path / "store.db") as store:
        carried, waiting = preference("a"), preference("b")
        for entry in (carried, waiting):
            store.ledger.record(entry, reason="stated")
        store.runs.start(Run(id="n-1", started_at=AT, state=RunState.STARTED))
        store.runs.finish(
            "n-1",
            state=RunState.PROMOTED,
            ended_at=AT,
            revision="rev-1",
            report=report("rev-1", a=(9, 10), b=(0, 10)).to_json(),
        )
        assert (waiting,) == live_for(store, "rev-1")
        assert {"a", "b"} == {entry.statement for entry in live_for(store, "r0")}


def test_what_is_about_this_kind_of_request_displaces_what_is_always_asked() -> None:
    """Two limits for one answer would leave a small base with neither."""
    entries = [
        preference("At most two sentences.", attribute="length.sentences"),
        preference("At most five sentences of code.", attribute="length.sentences", scope="kind:code"),
    ]
    code = bridged(asked("Write a Python function that adds two numbers."), entries)
    assert "five" in code.messages[0].content
    assert "two sentences" not in code.messages[0].content
    assert "two sentences" in bridged(asked("What is a mast?"), entries).messages[0].content


def test_what_a_prompt_would_bear_is_what_the_bridge_says_to_it() -> None:
    """In the same order, so that both keep to the same bound."""
    entries = [
        preference("Inferred lately.", day=9, source="inferred"),
        preference("Stated.", day=1),
        preference("About a tool.", scope="tool:get_weather"),
    ]
    named = {entry.id: entry.statement for entry in entries}
    assert ["Stated.", "Inferred lately."] == [named[key] for key in borne(asked("Hello?"), entries)]
    with_tool = borne(asked("Hello?", tools=(WEATHER,)), entries)
    assert [entry.id for entry in live(entries, None)] == list(with_tool)
