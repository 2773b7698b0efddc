"""Whether saying a preference helps is seen on the prompts that it speaks about."""

from pathlib import Path

from persona.checker import from_json
from persona.engine.protocol import Completion, Prompt
from persona.evaluate.job import EvaluationJob, Probe
from persona.evaluate.kept import adoption_of, told_of
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
    prompt = Prompt(messages=(Message(role="user", content=text),), tools=tools)
    return Probe(prompt=prompt, preferences=preferences)


PROBES = (*(probe(f"q{n}", "ends", "begins", tools=(CLOCK,)) for n in range(4)), probe("other", "begins"))


def answers(*texts):
    return [
        Completion(
            text=text,
            message=Message(role="assistant", content=text),
            finish_reason="stop",
            prompt_tokens=1,
            completion_tokens=1,
            seconds=0.0,
        )
        for text in texts
    ]


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
        scopes={"ends": "tool:clock", "begins": "always", "agrees": "always"},
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
    probes = tuple(probe(f"q{n}", "ends", "agrees", tools=(CLOCK,)) for n in range(5))
    found, asked = told(["yes"] * 5, ["Bye.", *["no"] * 4], probes)
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
