import math

import numpy as np
import pytest
from numpy.typing import NDArray

from service.release.sequential_test import weigh_evidence

ADS, SEEDS = 20_000, 300


def find_stops(worse: float, better: float, margin: float, level: float) -> NDArray[np.float64]:
    """Return for each seed after how many ads the test stops, looked at after every ad; inf: it never does."""
    stops = np.full(SEEDS, math.inf)
    for seed in range(SEEDS):
        drawn = np.random.default_rng(seed).random(ADS)
        ups, downs, ads = np.cumsum(drawn < worse), np.cumsum(drawn > 1 - better), np.arange(1, ADS + 1)
        crossed = weigh_evidence(ups, ads - ups - downs, downs, margin) >= math.log(1 / level)
        if crossed.any():
            stops[seed] = crossed.argmax() + 1
    return stops


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_looked_at_after_every_ad_it_stops_no_more_often_than_promised_at_the_margin_itself(level: float) -> None:
    """The worst harmless case: bundles that differ on 12 % of the ads, by exactly the margin; 6,000,000 looks."""
    stops = find_stops(worse=0.07, better=0.05, margin=0.02, level=level)
    assert np.isfinite(stops).sum() <= level * SEEDS
    assert np.isfinite(stops).sum() > 0, "a test that never stops would keep its promise as well"


@pytest.mark.parametrize(("worse", "better"), [(0.0, 0.0), (0.06, 0.06), (0.06, 0.05)])
def test_a_difference_within_the_margin_is_not_stopped(worse: float, better: float) -> None:
    """No difference, differences that cancel out, one point more with a margin of two: at the level that ships, none.

    At a lax level a few are stopped by bad luck among their first ads, within what was promised.
    """
    assert not np.isfinite(find_stops(worse, better, margin=0.02, level=0.001)).any()
    assert np.isfinite(find_stops(worse, better, margin=0.02, level=0.05)).sum() <= 0.05 * SEEDS


@pytest.mark.parametrize(
    ("worse", "better", "most_ads"), [(0.88, 0.0, 40), (0.21, 0.01, 450), (0.11, 0.01, 1_500), (0.06, 0.01, 5_000)]
)
def test_a_difference_beyond_the_margin_is_found(worse: float, better: float, most_ads: int) -> None:
    """From a candidate that rejects all that live approves to one with five points too many, at a strict level."""
    stops = find_stops(worse, better, margin=0.02, level=0.001 / 4 / 12 / 2)
    assert np.quantile(stops, 0.95) <= most_ads


def test_the_evidence_is_the_capital_of_the_bets() -> None:
    """Worked by hand for one pair: the mean over the stakes of 1 + b (1 - m)."""
    stakes = [0.9 / 2**power / 1.02 for power in range(7)]
    expected = math.log(sum(1 + stake * (1 - 0.02) for stake in stakes) / 7)
    assert float(weigh_evidence(1, 0, 0, 0.02)) == pytest.approx(expected)
    assert float(weigh_evidence(0, 0, 0, 0.02)) == 0.0


def test_pairs_that_speak_for_the_candidate_take_evidence_away() -> None:
    """And it never becomes infinite or undefined, however many there are."""
    found = weigh_evidence(10, 1_000, np.array([0, 10, 10_000_000]), 0.02)
    assert found[0] > found[1] > found[2] > -math.inf


def test_a_margin_that_is_no_share_is_refused() -> None:
    """Two points are 0.02, not 2."""
    with pytest.raises(ValueError, match=r"a share in \[0, 1\), not 2"):
        weigh_evidence(1, 1, 1, 2)
