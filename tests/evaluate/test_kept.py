"""Whether saying a preference helps is seen on the prompts that it speaks about."""

from dataclasses import replace
from pathlib import Path

import pytest
from evaluate_parts import completion

from persona.checker import from_json
from persona.engine.protocol import Prompt
from persona.evaluate.job import EvaluationJob, Probe
from persona.evaluate.kept import adoption_of, residue_of, told_of
from persona.report import Rate, Spoken, Told
from store.records import Message

CHECKERS = {
    "ends": {"kind": "closing", "text": "Bye."},
    "begins": {"kind": "opening", "text": "Hi."},
    "agrees": {"kind": "contains", "text": "yes"},
}
STATEMENTS = {"ends": "End with Bye.", "begins": "Begin with Hi.", "agrees": "Say yes."}


CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


def probe(text, *preferences, tools=()):
    """The habit is said where its tool is on offer, the others to every prompt."""
    prompt = Prompt(messages=(Message(role="user", content=text),), tools=tools)
    bears = (*(["ends"] if tools else []), "begins", *(["agrees"] if "agrees" in preferences else []))
    return Probe(prompt=prompt, preferences=preferences, bears=bears)


PROBES = (*(probe(f"q{n}", "ends", "begins", tools=(CLOCK,)) for n in range(4)), probe("other", "begins"))


def answers(*texts):
    return [*map(completion, texts)]


def job(probes=PROBES):
    return EvaluationJob(
        home=Path("h"),
        base="b",
        adapters=Path("a"),
        candidate="rev-1",
        champion="r0",
        probes=probes,
        pairs=(),
        checkers=CHECKERS,
        statements=STATEMENTS,
    )


def told(withheld, said, probes=PROBES, alone=()):
    """Asked again, the prompts get the answers of `said` in turn; asked once more, those of `alone`."""
    checkers = {key: from_json(plain) for key, plain in CHECKERS.items()}
    asked = []
    left = [said, *alone]

    def ask(prompts):
        asked.extend(prompts)
        return answers(*left.pop(0)[: len(prompts)])

    given = answers(*withheld)
    found = told_of(job(probes), checkers, adoption_of(probes, given, checkers), given, ask)
    return found, asked


def test_what_the_weights_carry_is_not_said():
    """Then there is nothing to ask again."""
    found, asked = told(["Hi. Bye."] * 5, [])
    assert found is None
    assert asked == []


def test_only_what_waits_is_said_and_all_that_applies_is_counted():
    """One preference waits: its prompts are asked again with its statement alone; a loss of the other
    one there counts too."""
    found, asked = told(["Hi. No."] * 5, ["Bye."] * 5)
    none, four, all_ = Rate(passed=0, asked=4), Rate(passed=4, asked=4), Rate(passed=4, asked=8)
    spoken = Spoken(own_withheld=none, own_said=four, all_withheld=all_, all_said=all_)
    assert found == Told(preferences=("ends",), withheld=all_, said=all_, each={"ends": spoken})
    assert found.harmful == ()
    assert [prompt.messages[-1].content for prompt in asked] == ["q0", "q1", "q2", "q3"]
    assert all("End with Bye." in prompt.messages[0].content for prompt in asked)
    assert not any("Begin with Hi." in prompt.messages[0].content for prompt in asked)


def test_a_statement_that_leads_astray_does_harm():
    """It is kept no more often than without, and what was kept is lost."""
    found, _ = told(["Hi. No."] * 5, ["nothing"] * 5)
    assert found.harmful == ("ends",)


def test_each_of_two_that_are_said_is_looked_at_by_itself():
    """One gains by it and is said, as long as no answers are lost; neither gains, and both cost answers."""
    withheld = ["Bye."] * 3 + ["No."] * 2
    found, asked = told(withheld, ["Hi."] * 5)
    assert len(asked) == 5
    assert found.each["begins"].own_said == Rate(passed=5, asked=5)
    assert found.each["ends"].own_said == Rate(passed=0, asked=4)
    assert found.harmful == ()
    found, _ = told(withheld, ["No."] * 5, alone=(["No."] * 4, ["No."] * 5))
    assert set(found.harmful) == {"ends", "begins"}


THREE = tuple(probe(f"q{n}", "ends", "begins", "agrees", tools=(CLOCK,)) for n in range(5))


def test_where_answers_are_lost_each_is_asked_alone():
    """Then whose fault it is shows: what leads astray stays out, what was said beside it does not."""
    astray = ["Hi. Bye.", *["no"] * 4]
    found, asked = told(["yes"] * 5, astray, THREE, alone=(["yes Bye."] * 5, ["Hi. no", *["no"] * 4]))
    assert found.said == Rate(passed=2, asked=15)
    assert [each.alone for each in found.each.values()] == [True, True]
    assert [each.gains for each in found.each.values()] == [True, True]
    assert found.harmful == ("begins",)
    systems = [prompt.messages[0].content for prompt in asked]
    assert [("End" in each, "Begin" in each) for each in systems[::5]] == [
        (True, True),
        (True, False),
        (False, True),
    ]


def test_what_stood_alone_is_not_asked_again():
    """Nothing else can have cost what was lost."""
    one = probe("q", "ends", "agrees", tools=(CLOCK,))
    found, asked = told(["yes"] * 5, ["Bye.", *["no"] * 4], (replace(one, bears=("ends", "agrees")),) * 5)
    assert len(asked) == 5
    assert found.each["ends"].alone
    assert found.harmful == ("ends",)


def test_a_statement_is_held_to_all_prompts_that_would_bear_it():
    """A habit is said wherever its tool is on offer: what it costs where it is not meant counts."""
    probes = tuple(probe(f"q{n}", "ends" if n < 4 else "begins", tools=(CLOCK,)) for n in range(8))
    withheld = ["Bye."] * 3 + ["No."] + ["Hi."] * 4
    found, asked = told(withheld, ["Bye."] * 3 + ["No."] + ["Bye."] * 4, probes)
    assert len(asked) == 8
    assert found.each["ends"].own_said == found.each["ends"].own_withheld == Rate(passed=3, asked=4)
    assert (7, 3) == (found.each["ends"].all_withheld.passed, found.each["ends"].all_said.passed)
    assert found.harmful == ("ends",)


def test_what_nobody_can_check_is_said_beside():
    """The bridge says a free wish too, so what is asked again bears it; asked alone, a statement is alone."""
    probes = tuple(replace(each, bears=("kind", *each.bears)) for each in PROBES)
    given = answers(*["Hi. No."] * 5)
    checkers = {key: from_json(plain) for key, plain in CHECKERS.items()}
    asked = []

    def ask(prompts):
        asked.append([prompt.messages[0].content for prompt in prompts])
        return answers(*["no"] * len(prompts))

    free = replace(job(probes), statements={**STATEMENTS, "kind": "Be kind."})
    told_of(free, checkers, adoption_of(probes, given, checkers), given, ask)
    together, alone = asked
    assert all("- Be kind.\n- End with Bye." in system for system in together)
    assert not any("Be kind." in system for system in alone)


SHOWN = {
    "closing": ({"kind": "closing", "text": "Cheers!"}, None, "Fine. Cheers!", "Fine."),
    "units": (
        {"kind": "convention", "convention": "units", "style": "imperial"},
        {"kind": "convention", "convention": "units", "style": "metric"},
        "It is 5 miles away.",
        "It is near.",
    ),
    "bold": ({"kind": "bold"}, {"kind": "bold_lead"}, "It is **good** so.", "**Good**\n\nIt is so."),
    "language": ({"kind": "language", "code": "de"}, None, "Das ist nicht sehr weit von hier.", "No."),
}


@pytest.mark.parametrize(("old", "new", "shows", "shows_not"), SHOWN.values(), ids=SHOWN)
def test_a_style_that_was_given_up_shows_where_an_answer_has_it(old, new, shows, shows_not):
    """Not where the answer says nothing of it, nor where what took its place is kept."""
    probes = (probe("a", "ends"), probe("b", "ends"), probe("c"))
    instead = {} if new is None else {"old": from_json(new)}
    found = residue_of(probes, answers(shows, shows_not, shows), {"old": from_json(old)}, instead)
    assert {"old": Rate(passed=1, asked=2)} == found
