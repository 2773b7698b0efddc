"""What a few held-out answers may decide: clear gains pass, chance does not, small losses cannot add up."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from persona.promote import GatePolicy, Verdict, judge
from persona.report import Arm, EvalReport, Form, Rate

POLICY = GatePolicy()
NONE = Rate(passed=0, asked=0)
FORM = Form(words=40, truncated=0.0, looping=0.0, empty=0.0)


def of(passed: int, asked: int) -> Rate:
    return Rate(passed=passed, asked=asked)


def arm(
    adoption: Mapping[str, Rate] | None = None,
    *,
    pairs: Rate = NONE,
    exact: Rate = NONE,
    valid: Rate | None = None,
    residue: Rate = NONE,
    name: str = "candidate",
) -> Arm:
    """With nothing wrong beside its rates; calls are valid unless told."""
    return Arm(
        revision=name,
        adoption=adoption or {},
        residue={"old": residue} if residue.asked else {},
        pairs=pairs,
        calls_valid=valid or of(exact.asked, exact.asked),
        calls_exact=exact,
        drift=0.01,
        form=FORM,
    )


def judged(candidate: Arm, champion: Arm, base: Arm | None = None, *earlier: Arm) -> Verdict:
    report = EvalReport(
        candidate=candidate,
        champion=replace(champion, revision="champion"),
        base=replace(base or champion, revision="r0"),
        statements={"p": "Be brief.", "q": "Say cheers.", "old": "Say dear."},
        engine="scripted",
    )
    return judge(report, POLICY, earlier)


# README.md has these as its table: the answers before, the answers now, whether that is enough.
ENOUGH = [
    ((0, 2), (2, 2), False),
    ((0, 3), (1, 3), False),
    ((0, 3), (2, 3), True),
    ((2, 3), (3, 3), False),
    ((0, 4), (4, 4), True),
    ((2, 4), (4, 4), True),
    ((3, 6), (5, 6), False),
    ((3, 6), (6, 6), True),
    ((10, 20), (13, 20), False),
    ((10, 20), (14, 20), True),
    ((16, 20), (18, 20), False),
    ((16, 20), (19, 20), True),
    ((18, 20), (20, 20), True),
    ((24, 48), (30, 48), False),
    ((24, 48), (31, 48), True),
    ((43, 48), (46, 48), False),
    ((43, 48), (47, 48), True),
]


@pytest.mark.parametrize(("before", "now", "enough"), ENOUGH)
@pytest.mark.parametrize("figure", ["adoption", "pairs", "exact"])
def test_a_gain_has_to_be_clear_for_its_number_of_answers(figure, before, now, enough):
    """Two answers from nothing prove something, one never does; whichever figure it is."""

    def with_rate(rate: Rate) -> Arm:
        return arm({"p": rate}) if figure == "adoption" else arm(**{figure: rate})

    verdict = judged(with_rate(of(*now)), with_rate(of(*before)))
    assert enough == verdict.accepted, verdict.reasons


def test_the_gain_that_decided_is_said_first():
    """With the answers that it stands on, and how much of it is sure."""
    verdict = judged(arm({"p": of(4, 4)}), arm({"p": of(0, 4)}))
    assert (
        "better than the champion: the preferences together from 0 % to 100 % (4 of 4), at least"
        in (verdict.reasons[0])
    )


def test_a_gain_that_may_be_chance_is_called_so():
    """The reason gives the answers."""
    verdict = judged(arm({"p": of(2, 3)}), arm({"p": of(1, 3)}))
    assert not verdict.accepted
    assert "from 33 % to 67 % (2 of 3), which may be chance" in verdict.reasons[0]


def test_a_new_preference_does_not_drown_among_those_that_are_kept():
    """Four answers more of a hundred and four are nothing; all four of one preference are something."""
    kept = {key: of(19, 20) for key in "abcde"}
    verdict = judged(arm({**kept, "p": of(4, 4)}), arm({**kept, "p": of(0, 4)}))
    assert verdict.accepted, verdict.reasons
    assert "“Be brief.” from 0 % to 100 %" in verdict.reasons[0]


def test_one_of_many_preferences_that_rises_by_chance_proves_nothing():
    """Alone it would; among six that are looked at it is what chance does."""
    many = {key: of(10, 20) for key in "abcdef"}
    assert not judged(arm({**many, "a": of(14, 20), "b": of(9, 20)}), arm(many)).accepted


def test_one_held_out_call_that_is_lost_refuses_nothing():
    """Of one, or of four: a single answer is chance, whatever its share."""
    for lost, had in ((of(0, 1), of(1, 1)), (of(3, 4), of(4, 4))):
        verdict = judged(arm({"p": of(6, 6)}, exact=lost), arm({"p": of(0, 6)}, exact=had))
        assert verdict.accepted, verdict.reasons


def test_two_lost_calls_of_four_refuse():
    """However much better the preferences are kept."""
    verdict = judged(arm({"p": of(6, 6)}, exact=of(2, 4)), arm({"p": of(0, 6)}, exact=of(4, 4)))
    assert "exact tool calls fell from 100 % to 50 % (2 of 4)" == verdict.reasons[0]


def test_preferences_may_not_fall_while_something_else_rises():
    """Ten points less of both, and calls or pairs that are clearly better: refused at the first step."""
    before = {"p": of(20, 20), "q": of(20, 20)}
    after = {"p": of(18, 20), "q": of(18, 20)}
    verdict = judged(arm(after, exact=of(9, 10)), arm(before, exact=of(0, 10)))
    assert not verdict.accepted
    assert "the preferences together fell from 100 % to 90 % (36 of 40)" == verdict.reasons[0]


def test_nights_that_lose_ten_points_each_for_one_pair_are_refused():
    """100, 90 and 80 % of both preferences with a pair more each night: not one of the two steps passes."""
    nights = [
        arm({"p": of(n, 20), "q": of(n, 20)}, pairs=of(pairs, 32))
        for n, pairs in ((20, 16), (18, 17), (16, 18))
    ]
    for now, before in zip(nights[1:], nights, strict=False):
        assert not judged(now, before, nights[0]).accepted


def test_small_losses_of_one_preference_cannot_add_up_against_earlier_champions():
    """q pays for p, ten points a night: the second night is held against what the first champion had."""
    base = arm({"p": of(0, 20), "q": of(0, 20)})
    first = arm({"p": of(4, 20), "q": of(20, 20)}, name="first")
    second = arm({"p": of(12, 20), "q": of(18, 20)}, name="second")
    third = arm({"p": of(19, 20), "q": of(16, 20)})
    assert judged(second, first, base).accepted
    assert judged(third, second, base).accepted  # nothing is known of the first one
    verdict = judged(third, second, base, first)
    assert not verdict.accepted
    assert (
        "“Say cheers.” fell step by step to 80 % (16 of 20): an earlier champion had 100 % (20 of 20)"
        == (verdict.reasons[0])
    )


def test_held_out_prompts_that_became_harder_are_not_held_against_a_candidate():
    """What earlier champions had on other prompts counts only for a figure that falls tonight."""
    base = arm({"p": of(0, 20), "q": of(0, 40)})
    easy = arm({"p": of(0, 4), "q": of(20, 20)}, name="easy")
    champion = arm({"p": of(4, 20), "q": of(30, 40)})
    assert judged(arm({"p": of(18, 20), "q": of(30, 40)}), champion, base, easy).accepted
    assert not judged(arm({"p": of(18, 20), "q": of(28, 40)}), champion, base, easy).accepted


def test_a_few_lucky_answers_of_an_earlier_champion_hold_nobody_back():
    """Three of three is less sure than it looks."""
    base = arm({"p": of(0, 20), "q": of(0, 20)})
    champion = arm({"p": of(4, 20), "q": of(18, 20)})
    lucky = arm({"q": of(3, 3)}, name="lucky")
    assert judged(arm({"p": of(18, 20), "q": of(17, 20)}), champion, base, lucky).accepted


def test_calls_that_the_base_does_far_better_refuse():
    """Ten percent, where the champion has twenty and the base seventy."""
    verdict = judged(
        arm({"p": of(20, 20)}, exact=of(1, 10)),
        arm({"p": of(2, 20)}, exact=of(2, 10)),
        arm({"p": of(2, 20)}, exact=of(7, 10)),
    )
    assert not verdict.accepted
    assert "exact tool calls: 10 % (1 of 10), and the bare base has 70 %" == verdict.reasons[0]


def test_a_preference_that_the_base_keeps_better_refuses():
    """It was lost by learning, even if the champion had lost most of it already."""
    verdict = judged(
        arm({"p": of(20, 20), "q": of(15, 20)}),
        arm({"p": of(2, 20), "q": of(15, 20)}),
        arm({"p": of(2, 20), "q": of(20, 20)}),
    )
    assert not verdict.accepted
    assert "“Say cheers.”: 75 % (15 of 20), and the bare base has 100 %" == verdict.reasons[0]


def test_below_the_base_passes_what_is_clearly_above_a_champion_further_below():
    """To refuse it would keep the champion, which is worse."""
    far, nearer, base = of(2, 20), of(14, 20), of(20, 20)
    assert judged(arm({"p": nearer}), arm({"p": far}), arm({"p": base})).accepted


def test_a_style_that_was_given_up_may_still_show_where_the_champion_shows_it_more():
    """15 % is too much, and 95 % is what refusing would keep; no less than before is refused."""
    better = judged(
        arm({"p": of(18, 20)}, residue=of(3, 20)),
        arm({"p": of(1, 20)}, residue=of(19, 20)),
        arm({"p": of(0, 20)}, residue=of(0, 20)),
    )
    assert better.accepted, better.reasons
    same = judged(arm({"p": of(18, 20)}, residue=of(3, 20)), arm({"p": of(1, 20)}, residue=of(3, 20)))
    assert "the superseded “Say dear.” still shows in 15 % of answers" == same.reasons[0]


def test_a_style_that_leaves_the_weights_is_a_gain():
    """A mind was changed, and nothing else: the new champion is the one that heard it."""
    kept = {"p": of(18, 20)}
    verdict = judged(arm(kept, residue=of(1, 20)), arm(kept, residue=of(15, 20)))
    assert verdict.accepted, verdict.reasons
    assert "answers without the superseded “Say dear.” from 25 % to 95 %" in verdict.reasons[0]


asked = st.integers(1, 48)
KEYS = ("p", "q")


@st.composite
def measured(draw: st.DrawFn) -> tuple[Arm, Arm, Arm]:
    """Candidate, champion and base on the same prompts."""
    sizes = {key: draw(asked) for key in (*KEYS, "pairs", "exact", "old")}

    def one() -> Arm:
        rates = {key: of(draw(st.integers(0, size)), size) for key, size in sizes.items()}
        return arm(
            {key: rates[key] for key in KEYS},
            pairs=rates["pairs"],
            exact=rates["exact"],
            residue=rates["old"],
        )

    return one(), one(), one()


def rates_of(one: Arm) -> list[Rate]:
    """More is better in each."""
    assert one.pairs is not None
    assert one.calls_exact is not None
    shown = [of(rate.asked - rate.passed, rate.asked) for rate in one.residue.values()]
    return [*one.adoption.values(), one.pairs, one.calls_exact, *shown]


def each_at_least(one: Arm, other: Arm) -> bool:
    return all(a.passed >= b.passed for a, b in zip(rates_of(one), rates_of(other), strict=True))


def several_times(one: Arm, times: int) -> Arm:
    """The same shares of as many times the prompts."""

    def more(rate: Rate | None) -> Rate:
        assert rate is not None
        return of(rate.passed * times, rate.asked * times)

    return replace(
        one,
        adoption={key: more(rate) for key, rate in one.adoption.items()},
        residue={key: more(rate) for key, rate in one.residue.items()},
        pairs=more(one.pairs),
        calls_exact=more(one.calls_exact),
        calls_valid=more(one.calls_valid),
    )


@given(measured(), measured())
def test_a_candidate_that_is_nowhere_better_is_never_promoted(arms, past):
    """Whatever the base has, and whatever earlier champions had."""
    one, other, base = arms
    worse = arm(
        {key: min(one.adoption[key], other.adoption[key], key=lambda rate: rate.passed) for key in KEYS},
        pairs=of(min(a.pairs.passed for a in (one, other)), one.pairs.asked),
        exact=of(min(a.calls_exact.passed for a in (one, other)), one.calls_exact.asked),
        residue=of(max(a.residue["old"].passed for a in (one, other)), one.residue["old"].asked),
    )
    assert each_at_least(other, worse)
    assert not judged(worse, other, base, *past).accepted


def best_of(rates: Sequence[Rate | None]) -> Rate:
    return max((rate for rate in rates if rate is not None), key=lambda rate: rate.passed)


@given(measured(), st.integers(2, 4))
def test_more_evidence_of_the_same_improvement_is_never_refused(arms, times):
    """Where nothing fell: what a few answers were enough for, as many times as many are enough for."""
    drawn, champion, base = arms
    shows = min((each.residue["old"] for each in (drawn, champion)), key=lambda rate: rate.passed)
    assume(shows.passed != 1)  # one answer that still shows is let pass, twice one is not
    candidate = arm(
        {key: best_of([each.adoption[key] for each in arms]) for key in KEYS},
        pairs=best_of([each.pairs for each in arms]),
        exact=best_of([each.calls_exact for each in arms]),
        residue=shows,
    )
    if judged(candidate, champion, base).accepted:
        verdict = judged(*(several_times(each, times) for each in (candidate, champion, base)))
        assert verdict.accepted, verdict.reasons


@given(measured(), measured(), st.data())
def test_a_right_answer_more_is_never_what_refuses(arms, past, data):
    """In whichever figure."""
    candidate, champion, base = arms
    key = data.draw(st.sampled_from(KEYS))
    rate = candidate.adoption[key]
    assume(rate.passed < rate.asked)
    better = replace(candidate, adoption={**candidate.adoption, key: of(rate.passed + 1, rate.asked)})
    if judged(candidate, champion, base, *past).accepted:
        assert judged(better, champion, base, *past).accepted
