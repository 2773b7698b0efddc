"""What a handful of answers can prove: intervals for a share, and for the difference of two.

Wilson's score interval for a share, and Newcombe's for a difference, which is made of two of Wilson's. Unlike
the textbook's they do not take 4 of 4 for always and 0 of 4 for never. `doubt` is the chance that the truth
lies beyond one end: at 0.1 each end holds nine times in ten. Newcombe's is for two independent sets of
prompts; where the same prompts were asked twice it is, as a rule, wider than it need be.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist

from persona.report import Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    low: float
    high: float


def share_span(rate: Rate, doubt: float) -> Span:
    """Of a share, 0..1; the whole of it when nothing was asked."""
    if not rate.asked:
        return Span(low=0.0, high=1.0)
    n, share = rate.asked, rate.passed / rate.asked
    z = NormalDist().inv_cdf(1.0 - doubt)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return Span(low=max(0.0, middle - reach), high=min(1.0, middle + reach))


def gain_span(now: Rate, before: Rate, doubt: float) -> Span:
    """Of the share now less the share before, -1..1."""
    if not now.asked or not before.asked:
        return Span(low=-1.0, high=1.0)
    p, q = now.passed / now.asked, before.passed / before.asked
    of_now, of_before = share_span(now, doubt), share_span(before, doubt)
    return Span(
        low=p - q - hypot(p - of_now.low, of_before.high - q),
        high=p - q + hypot(of_now.high - p, q - of_before.low),
    )
