"""Counts add up, and a dimension with endless values stays small."""

from service.backtest.contest import OUTCOMES
from service.backtest.dimensions import MAX_VALUES, OTHER
from service.backtest.measures import PAIRED, Measure, count_measure, count_moved, pair_measure
from service.backtest.tally import Arm, Cells, Found, Tally
from service.contracts.decision import Outcome

A, V, R = OUTCOMES


def _fill(*counts: tuple[Found, Outcome, Outcome, int]) -> Cells:
    cells = Cells()
    for found, before, after, ads in counts:
        for _ in range(ads):
            cells.add(found, before, after)
    return cells


CELLS = _fill(
    (Found.NOTHING, A, A, 100), (Found.NOTHING, R, R, 10), (Found.NOTHING, V, A, 5),
    (Found.CLEAN, A, A, 40), (Found.CLEAN, A, R, 6), (Found.CLEAN, R, R, 3), (Found.CLEAN, R, V, 1),
    (Found.VIOLATING, R, R, 20), (Found.VIOLATING, A, A, 4), (Found.VIOLATING, A, R, 3), (Found.VIOLATING, V, A, 2),
)  # fmt: skip


def test_measures_have_both_denominators() -> None:
    """Leaked of violating and of approved, overkilled of clean and of rejected, under both bundles."""
    now = {measure: count_measure(CELLS, measure, Arm.CANDIDATE) for measure in Measure}
    then = {measure: count_measure(CELLS, measure, Arm.BASELINE) for measure in Measure}
    assert now[Measure.LEAKED_OF_VIOLATING] == (6, 29)
    assert now[Measure.LEAKED_OF_APPROVED] == (6, 46), "of the approved ads that a person looked at"
    assert now[Measure.OVERKILLED_OF_CLEAN] == (9, 50)
    assert now[Measure.OVERKILLED_OF_REJECTED] == (9, 32)
    assert then[Measure.LEAKED_OF_VIOLATING] == (7, 29)
    assert then[Measure.OVERKILLED_OF_CLEAN] == (4, 50)
    assert now[Measure.REJECTED] == (42, 194)
    assert then[Measure.REVIEWED] == (7, 194)


def test_pairs_agree_with_the_shares_before_and_after() -> None:
    """What was gained and lost explains how the count changed."""
    for measure in PAIRED:
        pairs = pair_measure(CELLS, measure)
        then, of = count_measure(CELLS, measure, Arm.BASELINE)
        now, _ = count_measure(CELLS, measure, Arm.CANDIDATE)
        assert (pairs.total, pairs.both + pairs.only_before, pairs.both + pairs.only_after) == (of, then, now)
    assert pair_measure(CELLS, Measure.OVERKILLED_OF_CLEAN)[:3] == (3, 1, 6)
    assert count_moved(CELLS) == 5 + 6 + 1 + 3 + 2


def test_values_beyond_the_limit_are_counted_together() -> None:
    """The first ones met keep their own counts, wherever the blocks are cut; no ad is lost."""

    def count(size: int) -> dict[str, list[int]]:
        total, values = Tally(), [f"v{number % 1_200}" for number in range(3_000)]
        for start in range(0, len(values), size):
            block = Tally()
            for value in values[start : start + size]:
                block.find_cells("vertical", value).add(Found.NOTHING, A, A)
            total.merge(block)
        return {name: cells.counts for name, cells in total.slices["vertical"].items()}

    whole = count(3_000)
    assert len(whole) == MAX_VALUES + 1
    assert sum(map(sum, whole.values())) == 3_000
    assert whole[OTHER][0] == 400
    assert count(1) == count(37) == whole
