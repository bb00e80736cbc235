import pytest

from loadtests.spread import Spread, compare, percentile, summarise


def test_a_summary_has_median_and_extremes() -> None:
    """The median is robust against one bad round, which the extremes still show."""
    assert summarise([3.0, 1.0, 50.0]) == Spread(median=3.0, least=1.0, most=50.0, rounds=3)


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that slows down for a whole round does not change that round's ratio."""
    assert compare([2.0, 20.0, 6.0], [1.0, 10.0, 2.0]) == Spread(2.0, 2.0, 3.0, 3)


def test_rounds_must_pair_up() -> None:
    """A lap that is missing on one side is an error, not a ratio of strangers."""
    with pytest.raises(ValueError, match="shorter"):
        compare([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)])
def test_percentiles_are_nearest_ranks(share: float, expected: float) -> None:
    """A percentile is a value that was measured."""
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


def test_nothing_measured_is_an_error() -> None:
    """No figure is made up where none was measured."""
    with pytest.raises(ValueError, match="nothing was measured"):
        summarise([])
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)
