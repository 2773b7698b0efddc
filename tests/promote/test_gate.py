"""The gate: better somewhere, clearly worse nowhere, closed when it does not know."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.promote import GatePolicy, judge
from persona.report import Arm, EvalReport, Form, Rate, Recalled, Spoken, Told

POLICY = GatePolicy()
FORM = Form(words=40, truncated=0.1, looping=0.0, empty=0.0)
BASE = Arm(
    revision="r0",
    adoption={"p": Rate(passed=1, asked=20)},
    residue={"old": Rate(passed=0, asked=20)},
    pairs=Rate(passed=6, asked=12),
    calls_valid=Rate(passed=4, asked=8),
    prose_kept=Rate(passed=8, asked=8),
    calls_exact=Rate(passed=0, asked=8),
    drift=0.0,
    form=FORM,
)
GOOD = replace(
    BASE,
    revision="rev-1",
    adoption={"p": Rate(passed=19, asked=20)},
    pairs=Rate(passed=12, asked=12),
    calls_valid=Rate(passed=8, asked=8),
    prose_kept=Rate(passed=8, asked=8),
    calls_exact=Rate(passed=7, asked=8),
    drift=0.03,
)


def report(candidate: Arm = GOOD, champion: Arm = BASE, base: Arm = BASE) -> EvalReport:
    return EvalReport(
        candidate=candidate,
        champion=champion,
        base=base,
        statements={"p": "Be brief.", "old": "Say cheers."},
        engine="llama_cpp",
    )


def test_a_candidate_that_learnt_is_accepted_with_reasons():
    """The reasons name each preference in the user's own words."""
    verdict = judge(report(), POLICY)
    assert verdict.accepted
    assert any("“Be brief.”: 95 % (before 5 %)" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("fault", ["truncated", "looping", "empty"])
@pytest.mark.parametrize(
    ("lost", "answers", "accepted"), [(1, 6, True), (2, 6, False), (5, 24, False), (1, 0, False)]
)
def test_one_answer_of_few_refuses_nothing(fault, lost, answers, accepted):
    """Nor does its form; two of six do, five of 24, and a share of nobody knows how many."""
    plain = Form(words=40, truncated=0.0, looping=0.0, empty=0.0, answers=answers)
    broken = replace(plain, **{fault: lost / (answers or 6)})
    found = judge(report(replace(GOOD, form=broken), base=replace(BASE, form=plain)), POLICY)
    assert accepted is found.accepted


def test_two_looping_answers_refuse_among_eight_and_not_among_twenty_four():
    """As many may be chance where many were asked."""
    few, many = (Form(words=40, truncated=0.0, looping=2 / n, empty=0.0, answers=n) for n in (8, 24))
    bare = replace(BASE, form=replace(few, looping=0.0))
    assert not judge(report(replace(GOOD, form=few), base=bare), POLICY).accepted
    assert judge(report(replace(GOOD, form=many), base=bare), POLICY).accepted


def test_what_was_asked_besides_excuses_no_answer_that_does_not_end():
    """Half of the user's own cut off are half, however many neutral answers end."""
    form = Form(words=40, truncated=0.5, looping=0.0, empty=0.0, answers=8, besides=16)
    bare = replace(BASE, form=replace(form, truncated=0.0))
    assert not judge(report(replace(GOOD, form=form), base=bare), POLICY).accepted
    loops = replace(form, truncated=0.0, looping=2 / 24)
    assert judge(report(replace(GOOD, form=loops), base=bare), POLICY).accepted


def test_that_the_base_says_nothing_either_excuses_no_empty_answers():
    """Loops and cut answers are held against the base's; answers without a word are never fine."""
    form = Form(words=40, truncated=0.4, looping=0.4, empty=0.4, answers=10)
    verdict = judge(report(replace(GOOD, form=form), base=replace(BASE, form=form)), POLICY)
    assert not verdict.accepted
    assert "40 % of its answers are empty, 2 % are allowed" == verdict.reasons[0]


MISSING = {
    "no pairs": {"pairs": None},
    "no calls": {"calls_exact": None},
    "no valid calls": {"calls_valid": None},
    "no drift": {"drift": None},
    "drift is nan": {"drift": math.nan},
    "no form": {"form": None},
    "loops are nan": {"form": replace(FORM, looping=math.nan)},
}


@pytest.mark.parametrize("lack", MISSING.values(), ids=MISSING)
def test_what_is_missing_is_a_rejection(lack):
    """Every number that is not there or not finite closes the gate."""
    assert not judge(report(replace(GOOD, **lack)), POLICY).accepted


@pytest.mark.parametrize("lack", [{"pairs": None}, {"calls_exact": None}, {"form": None}, {"adoption": {}}])
def test_what_the_base_lacks_is_a_rejection(lack):
    """Without a baseline there is nothing to be better than."""
    bare = replace(BASE, **lack)
    assert not judge(report(champion=bare, base=bare), POLICY).accepted


WORSE = {
    "a preference that passed is lost": (
        {"adoption": {"p": Rate(passed=19, asked=20), "q": Rate(passed=2, asked=20)}},
        "fell from 100 % to 10 %",
    ),
    "drift": ({"drift": 0.2}, "drift from the base is 0.200"),
    "residue": ({"residue": {"old": Rate(passed=9, asked=20)}}, "“Say cheers.” still shows in 45 %"),
    "loops": ({"form": replace(FORM, looping=0.3)}, "30 % of its answers are loops"),
    "cut off": ({"form": replace(FORM, truncated=0.6)}, "are cut off"),
    "empty": ({"form": replace(FORM, empty=0.2)}, "are empty"),
    "pairs below the base": ({"pairs": Rate(passed=3, asked=12)}, "preference accuracy fell"),
    "calls that nobody wants": ({"prose_kept": Rate(passed=2, asked=12)}, "want no call and make none: 17"),
    "invalid calls": ({"calls_valid": Rate(passed=1, asked=8)}, "valid tool calls fell"),
}


FINE = {
    **{each: getattr(GOOD, each) for change, _ in WORSE.values() for each in change},
    "adoption": {"p": Rate(passed=19, asked=20), "q": Rate(passed=20, asked=20)},
}


@pytest.mark.parametrize(("change", "said"), WORSE.values(), ids=WORSE)
def test_being_clearly_worse_anywhere_is_a_rejection_that_says_where(change, said):
    """However good the rest is."""
    champion = replace(BASE, adoption={"p": Rate(passed=1, asked=20), "q": Rate(passed=20, asked=20)})
    candidate = replace(
        GOOD, **{"adoption": {"p": Rate(passed=19, asked=20), "q": Rate(passed=20, asked=20)}, **change}
    )
    base = replace(BASE, adoption={"p": Rate(passed=1, asked=20), "q": Rate(passed=0, asked=20)})
    assert judge(report(replace(candidate, **FINE), champion, base), POLICY).accepted
    verdict = judge(report(candidate, champion, base), POLICY)
    assert not verdict.accepted
    assert any(said in reason for reason in verdict.reasons), verdict.reasons


def test_what_the_prompt_says_from_now_on_is_told():
    """It decides nothing: a preference that the weights do not carry is said, or stays unsaid, and why."""
    without, own = Rate(passed=6, asked=10), Rate(passed=0, asked=5)
    more, less = Rate(passed=9, asked=10), Rate(passed=4, asked=10)
    helps = Told(preferences=("p",), withheld=without, said=more)
    lost = Spoken(own_withheld=own, own_said=own, all_withheld=without, all_said=less)
    harms = Told(preferences=("p",), withheld=without, said=less, each={"p": lost})
    verdicts = [judge(replace(report(), told=told), POLICY) for told in (helps, harms)]
    assert [True, True] == [verdict.accepted for verdict in verdicts]
    helped, harmed = (verdict.reasons[-1] for verdict in verdicts)
    assert "is said in the prompt: " in helped
    assert "(9 of 10 checks pass then, 6 without)" in helped
    assert "“Be brief.” stays out of the prompt, where it costs more than it gains" in harmed


def test_no_better_than_the_champion_is_a_rejection():
    """A night that changed nothing does not move the champion."""
    verdict = judge(report(GOOD, replace(GOOD, revision="rev-0")), POLICY)
    assert not verdict.accepted
    assert "no better than the champion" in verdict.reasons[0]


def test_small_losses_cannot_add_up_against_the_base():
    """The champion sank below the base by a little; one more little step is held against the base."""
    sunk = replace(GOOD, revision="rev-0", pairs=Rate(passed=5, asked=12), adoption=BASE.adoption)
    further = replace(GOOD, pairs=Rate(passed=4, asked=12))
    assert not judge(report(further, sunk), POLICY).accepted


def test_too_few_held_out_prompts_are_a_rejection():
    """Two prompts prove nothing, however well they went."""
    none, all_of_them = Rate(passed=0, asked=2), Rate(passed=2, asked=2)
    few = replace(BASE, adoption={"p": none}, residue={}, pairs=none, calls_exact=none, calls_valid=none)
    learnt = replace(
        few, revision="rev-1", adoption={"p": all_of_them}, pairs=all_of_them, calls_exact=all_of_them
    )
    verdict = judge(report(learnt, few, few), POLICY)
    assert not verdict.accepted
    assert "only 2 held-out checks" in verdict.reasons[0]


def test_two_prompts_of_a_preference_do_not_stop_what_many_others_prove():
    """A preference that is seldom asked for decides nothing; calls and pairs still say a lot."""
    seldom = replace(BASE, adoption={"p": Rate(passed=0, asked=2)})
    assert judge(
        report(replace(GOOD, adoption={"p": Rate(passed=1, asked=2)}), seldom, seldom), POLICY
    ).accepted


def test_a_person_without_tools_can_learn():
    """Rates over no requests at all are neither missing nor a failure."""
    none = {"calls_exact": Rate(passed=0, asked=0), "calls_valid": Rate(passed=0, asked=0)}
    assert judge(report(replace(GOOD, **none), replace(BASE, **none), replace(BASE, **none)), POLICY).accepted


rates = st.integers(0, 30).flatmap(lambda n: st.builds(Rate, passed=st.integers(0, n), asked=st.just(n)))
floats = st.floats(0, 1) | st.just(math.nan) | st.just(math.inf)
arms = st.builds(
    Arm,
    revision=st.sampled_from(["r0", "rev-1"]),
    adoption=st.dictionaries(st.sampled_from("pqr"), rates),
    residue=st.dictionaries(st.just("old"), rates),
    pairs=st.none() | rates,
    calls_valid=st.none() | rates,
    calls_exact=st.none() | rates,
    prose_kept=st.none() | rates,
    drift=st.none() | floats,
    form=st.none()
    | st.builds(
        Form, words=floats, truncated=floats, looping=floats, empty=floats, answers=st.integers(0, 60)
    ),
)


@given(arms, arms, arms, st.lists(arms, max_size=3))
def test_whatever_the_report_the_gate_answers_and_says_why(candidate, champion, base, earlier):
    """It never raises; an acceptance has drift, form, and a share that did not fall past the allowance."""
    verdict = judge(report(candidate, champion, base), POLICY, earlier)
    assert verdict.reasons
    if verdict.accepted:
        assert candidate.drift is not None
        assert candidate.drift <= POLICY.max_drift
        assert candidate.form is not None
        assert candidate.form.empty <= POLICY.max_empty


spokens = st.builds(
    Spoken, own_withheld=rates, own_said=rates, all_withheld=rates, all_said=rates, alone=st.booleans()
)
tolds = st.none() | st.builds(
    Told,
    preferences=st.tuples(st.text()),
    withheld=rates,
    said=rates,
    each=st.dictionaries(st.text(), spokens, max_size=2),
)


@given(arms, tolds)
def test_a_report_survives_its_json(arm, told):
    """The gate can be asked again about a kept report and answers the same."""
    made = replace(report(arm), told=told)
    read = EvalReport.from_json(made.to_json())
    assert repr(made) == repr(read)


def test_some_calls_that_nobody_wants_are_told_of_and_refuse_nothing():
    """Five of twelve may be chance, and the calls that are wanted would go with them."""
    few = replace(GOOD, prose_kept=Rate(passed=7, asked=12))
    verdict = judge(report(few, base=replace(BASE, prose_kept=Rate(passed=12, asked=12))), POLICY)
    assert verdict.accepted
    assert any("want no call and make none: 58 % (7 of 12)" in reason for reason in verdict.reasons)


def test_precedents_are_told_of_where_calls_gain_by_them():
    """What the server does from now on; as good as without, they are not used and not spoken of."""
    gain = Recalled(without=Rate(passed=3, asked=9), with_them=Rate(passed=8, asked=9))
    found = judge(replace(report(), precedents=gain), POLICY).reasons
    assert any("stand two like it" in reason and "3 without" in reason for reason in found)
    same = replace(gain, without=gain.with_them)
    found = judge(replace(report(), precedents=same), POLICY).reasons
    assert not any("two like it" in reason for reason in found)
