"""Intervals for shares and for changes of shares, in closed form: how sure a backtest's figures are.

Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212,
for one share; R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
paired data", Statistics in Medicine 17 (1998), 2635-2650, method 10, for the change of a share on the same ads.
"""

from functools import lru_cache
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95
"""Of the intervals in a report, two-sided."""


class Interval(NamedTuple):
    """Lower and upper limit."""

    low: float
    high: float


class Pairs(NamedTuple):
    """How often the same ads had a property (were rejected, say) before and after."""

    both: int
    only_before: int
    only_after: int
    neither: int

    @property
    def total(self) -> int:
        """How many ads were looked at."""
        return self.both + self.only_before + self.only_after + self.neither

    @property
    def change(self) -> float:
        """The share after minus the share before."""
        return (self.only_after - self.only_before) / self.total


@lru_cache(maxsize=256)
def two_sided(confidence: float) -> float:
    """Return how many standard deviations each side of an interval spans."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


@lru_cache(maxsize=256)
def one_sided(confidence: float) -> float:
    """Return the same for a limit on one side only."""
    return NormalDist().inv_cdf(confidence)


def estimate_share(hits: int, total: int, deviations: float) -> Interval:
    """Return Wilson's score interval for `hits` of `total`; nothing was looked at: [0, 1]."""
    if total == 0:
        return Interval(0.0, 1.0)
    share, square = hits / total, deviations * deviations
    centre = share + square / (2 * total)
    half = deviations * sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    # At the ends the formula is exact, but floating point leaves crumbs.
    low = 0.0 if hits == 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if hits == total else min(1.0, (centre + half) / scale)
    return Interval(low, high)


def estimate_change(pairs: Pairs, deviations: float) -> Interval:
    """Return Newcombe's interval (method 10) for the share after minus the share before; no ads: [-1, 1]."""
    total = pairs.total
    if total == 0:
        return Interval(-1.0, 1.0)
    after, before = (pairs.both + pairs.only_after) / total, (pairs.both + pairs.only_before) / total
    of_after = estimate_share(pairs.both + pairs.only_after, total, deviations)
    of_before = estimate_share(pairs.both + pairs.only_before, total, deviations)
    correlation = _correlate(pairs)
    down = _combine(after - of_after.low, of_before.high - before, correlation)
    up = _combine(of_after.high - after, before - of_before.low, correlation)
    return Interval(max(-1.0, pairs.change - down), min(1.0, pairs.change + up))


def _combine(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


def _correlate(pairs: Pairs) -> float:
    """Return phi, with Newcombe's correction for continuity where it is positive."""
    both, before, after, neither = pairs
    margins = (both + before) * (after + neither) * (both + after) * (before + neither)
    if margins == 0:
        return 0.0
    product = float(both * neither - before * after)
    if product > 0:
        product = max(product - pairs.total / 2, 0.0)
    return product / sqrt(margins)
