"""The intervals against scipy's, against exact coverage, and at their edges."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from service.backtest.intervals import Pairs, estimate_change, estimate_share, one_sided, two_sided

_Z = two_sided(0.95)


@given(st.integers(1, 5_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_a_share_has_wilsons_interval(counts: tuple[int, int]) -> None:
    """As scipy works it out."""
    hits, total = counts
    expected = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    assert estimate_share(hits, total, _Z) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_looked_at_tells_nothing() -> None:
    """Without ads a share may be anything, and so may a change."""
    assert estimate_share(0, 0, _Z) == (0.0, 1.0)
    assert estimate_change(Pairs(0, 0, 0, 0), _Z) == (-1.0, 1.0)


def test_one_side_needs_fewer_deviations() -> None:
    """1.64 against 1.96 at 95 %."""
    assert (round(one_sided(0.95), 4), round(two_sided(0.95), 4)) == (1.6449, 1.96)


_COUNTS = st.integers(0, 400)


@given(st.tuples(_COUNTS, _COUNTS, _COUNTS, _COUNTS).filter(any))
def test_a_change_lies_in_its_interval_and_turns_with_its_direction(counts: tuple[int, int, int, int]) -> None:
    """The interval holds the estimate and lies in [-1, 1]; before and after swapped give its mirror image."""
    pairs = Pairs(*counts)
    low, high = estimate_change(pairs, _Z)
    assert -1 <= low <= pairs.change <= high <= 1
    mirrored = Pairs(pairs.both, pairs.only_after, pairs.only_before, pairs.neither)
    assert estimate_change(mirrored, _Z) == pytest.approx((-high, -low), abs=1e-12)


def test_without_correlation_it_is_the_square_and_add_interval() -> None:
    """Without phi it leaves Newcombe's formula for independent shares, worked out here by hand."""
    pairs = Pairs(10, 10, 20, 20)  # 30 of 60 before or after by chance alone
    before, after = estimate_share(20, 60, _Z), estimate_share(30, 60, _Z)
    low = 10 / 60 - ((0.5 - after.low) ** 2 + (before.high - 1 / 3) ** 2) ** 0.5
    high = 10 / 60 + ((after.high - 0.5) ** 2 + (1 / 3 - before.low) ** 2) ** 0.5
    assert estimate_change(pairs, _Z) == pytest.approx((low, high))


@pytest.mark.parametrize(("lost", "gained"), [(0.02, 0.02), (0.0, 0.05), (0.1, 0.02), (0.2, 0.3)])
def test_it_covers_the_truth_as_often_as_it_says(lost: float, gained: float) -> None:
    """All tables of 60 ads that can come of it, weighed by their chance: at least 94 % hold the true change."""
    total, both = 60, 0.3
    neither = 1 - lost - gained - both
    covered = 0.0
    for only_before in range(total + 1):
        for only_after in range(total + 1 - only_before):
            same = total - only_before - only_after
            chance = (
                comb(total, only_before) * comb(total - only_before, only_after)
                * lost**only_before * gained**only_after * (1 - lost - gained) ** same
            )  # fmt: skip
            if chance < 1e-9:
                continue
            # How the unmoved ads divide hardly matters; the expected division stands for all.
            kept = round(same * both / (both + neither))
            low, high = estimate_change(Pairs(kept, only_before, only_after, same - kept), _Z)
            covered += chance * (low <= gained - lost <= high)
    assert covered >= 0.94
