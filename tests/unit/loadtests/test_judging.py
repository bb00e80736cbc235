import pytest

from loadtests.judging import judge_cpu, judge_latency, judge_memory, judge_parts, judge_throughput
from loadtests.memory import Footprint
from loadtests.parts import PartTimes
from loadtests.spread import Spread
from loadtests.stopwatch import Lap


def _make_laps(*cpu_s: float, wall_s: float = 1.0) -> list[Lap]:
    return [Lap(1_000, wall_s, cpu, 0) for cpu in cpu_s]


@pytest.mark.parametrize(("ours", "met"), [((0.23, 0.20, 0.23), True), ((0.24, 0.24, 0.1), False)])
def test_cpu_is_judged_by_the_median_ratio(ours: tuple[float, ...], met: bool) -> None:  # noqa: FBT001 - a test's case
    """At most 1.15 times the bare loop's."""
    row = judge_cpu("race", "a", "b", {"a": _make_laps(*ours), "b": _make_laps(0.2, 0.2, 0.2)}, 1.15)
    assert row.met is met
    assert row.target == "≤ 1.15 ×"


def test_throughput_is_judged_from_below() -> None:
    """Half as fast misses a target of 1; without a target nothing is judged."""
    laps = {"a": _make_laps(0.1, wall_s=2.0), "b": _make_laps(0.1, wall_s=1.0)}
    assert judge_throughput("race", "a", "b", laps, 1.0).met is False
    assert judge_throughput("race", "b", "a", laps, 1.0).met is True
    assert judge_throughput("race", "b", "a", laps, None).met is None


def test_memory_is_judged_now_and_at_its_highest() -> None:
    """A peak above the limit is told though it has passed."""
    now, highest = judge_memory("memory", Footprint(200_000, 250_000_000, 310_000_000, ()))
    assert (now.met, highest.met) == (True, False)
    assert "200,000" in now.what


def test_latencies_are_told_in_milliseconds() -> None:
    """Percentiles of all ads, the longest among them."""
    (row,) = judge_latency("latency", "a", {500: [0.001 * n for n in range(1, 101)]})
    assert row.measured == "p50 50, p99 99, longest 100 ms"


def test_the_sum_of_the_parts_is_judged_and_compared_with_the_whole() -> None:
    """The difference between sum and whole stands in the table."""
    times = PartTimes({"rules": Spread(200.0, 190.0, 210.0, 3), "rest": Spread(60.0, 60.0, 60.0, 3)}, 260.0,
                      Spread(251.0, 250.0, 252.0, 3))  # fmt: skip
    rows = {row.what: row for row in judge_parts("parts", times, 250.0)}
    assert rows["sum of the parts"].met is False
    assert rows["rules"].measured == "200.0 µs (190.0 to 210.0)"
    assert rows["difference (the clocks)"].measured == "9.0 µs"
