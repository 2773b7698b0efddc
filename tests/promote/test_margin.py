"""Intervals of shares and of their difference, beside the published ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.promote.margin import gain_span, share_span
from persona.report import Rate

BOTH_ENDS_95 = 0.025


def rate(passed: int, asked: int) -> Rate:
    return Rate(passed=passed, asked=asked)


@pytest.mark.parametrize(
    ("passed", "asked", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_is_as_published(passed, asked, low, high):
    """Newcombe 1998, Two-sided confidence intervals for the single proportion, method 3."""
    found = share_span(rate(passed, asked), BOTH_ENDS_95)
    assert (low, high) == (pytest.approx(found.low, abs=6e-5), pytest.approx(found.high, abs=6e-5))


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_is_as_published(now, before, low, high):
    """Newcombe 1998, Interval estimation for the difference between independent proportions, method 10."""
    found = gain_span(rate(*now), rate(*before), BOTH_ENDS_95)
    assert (low, high) == (pytest.approx(found.low, abs=6e-5), pytest.approx(found.high, abs=6e-5))


rates = st.integers(0, 60).flatmap(lambda n: st.builds(Rate, passed=st.integers(0, n), asked=st.just(n)))
doubts = st.floats(0.001, 0.5)


@given(rates, rates, doubts)
def test_the_difference_lies_in_its_interval_and_mirrors(now, before, doubt):
    """Whoever gained and whoever lost are the same two, seen from either side."""
    there, back = gain_span(now, before, doubt), gain_span(before, now, doubt)
    assert there.low == pytest.approx(-back.high)
    if now.share is not None and before.share is not None:
        assert there.low - 1e-9 <= now.share - before.share <= there.high + 1e-9


@given(rates.filter(lambda rate: rate.asked > 0), doubts, st.integers(2, 5))
def test_more_of_the_same_answers_says_it_closer(few, doubt, times):
    """The interval of twice the evidence lies within that of once."""
    many = share_span(rate(few.passed * times, few.asked * times), doubt)
    once = share_span(few, doubt)
    assert once.low - 1e-9 <= many.low
    assert many.high <= once.high + 1e-9


def test_nothing_asked_says_nothing():
    """Neither a share nor a difference is known then."""
    assert (0.0, 1.0) == (share_span(rate(0, 0), 0.1).low, share_span(rate(0, 0), 0.1).high)
    assert (-1.0, 1.0) == (
        gain_span(rate(0, 0), rate(4, 4), 0.1).low,
        gain_span(rate(0, 0), rate(4, 4), 0.1).high,
    )
