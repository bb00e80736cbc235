"""The benchmark's verdict on backtests."""

import pytest

from loadtests.backtest_rate import BacktestRate, judge_backtest
from loadtests.spread import Spread


@pytest.mark.parametrize(("share", "met"), [(0.95, True), (0.9, True), (0.7, False)])
def test_the_share_of_all_cores_is_judged(share: float, met: bool) -> None:  # noqa: FBT001 - an expectation
    """At least nine tenths of what the cores could do."""
    rate = Spread(1_000.0, 900.0, 1_100.0, 3)
    rows = judge_backtest("Backtest", BacktestRate(4, rate, rate, rate, Spread(share, share, share, 3)))
    assert [row.met for row in rows] == [None, None, None, met]
    assert rows[-1].measured.startswith(f"{share:.2f} ")
