"""What is measured on a slice of ads, read off its counts: outcomes, leakage and overkill under both denominators.

Leakage: a violating ad that is approved. Overkill: a clean ad that is rejected. Only ads with a verdict count for them.
The reports and the gate read the same measures.
"""

from enum import StrEnum
from typing import NamedTuple

from service.backtest.contest import OUTCOMES
from service.backtest.intervals import Pairs
from service.backtest.tally import Arm, Cells, Found
from service.contracts.decision import Outcome

_ALL = tuple(Found)
_JUDGED = (Found.CLEAN, Found.VIOLATING)


class Measure(StrEnum):
    """A share of some ads that have an outcome."""

    APPROVED = "approved"
    REVIEWED = "reviewed"
    REJECTED = "rejected"
    LEAKED_OF_VIOLATING = "leaked_of_violating"
    LEAKED_OF_APPROVED = "leaked_of_approved"
    OVERKILLED_OF_CLEAN = "overkilled_of_clean"
    OVERKILLED_OF_REJECTED = "overkilled_of_rejected"


class _Property(NamedTuple):
    """Ads with one of `found` that have `outcome`, among those with one of `among`; `of_outcome`: and the outcome."""

    outcome: Outcome
    found: tuple[Found, ...]
    among: tuple[Found, ...]
    of_outcome: bool = False


_PROPERTIES = {
    Measure.APPROVED: _Property(Outcome.APPROVE, _ALL, _ALL),
    Measure.REVIEWED: _Property(Outcome.REVIEW, _ALL, _ALL),
    Measure.REJECTED: _Property(Outcome.REJECT, _ALL, _ALL),
    Measure.LEAKED_OF_VIOLATING: _Property(Outcome.APPROVE, (Found.VIOLATING,), (Found.VIOLATING,)),
    Measure.LEAKED_OF_APPROVED: _Property(Outcome.APPROVE, (Found.VIOLATING,), _JUDGED, of_outcome=True),
    Measure.OVERKILLED_OF_CLEAN: _Property(Outcome.REJECT, (Found.CLEAN,), (Found.CLEAN,)),
    Measure.OVERKILLED_OF_REJECTED: _Property(Outcome.REJECT, (Found.CLEAN,), _JUDGED, of_outcome=True),
}
PAIRED = tuple(measure for measure, one in _PROPERTIES.items() if not one.of_outcome)
"""Measures whose denominator is the same ads for both bundles, so that their change can be estimated in pairs."""


def count_measure(cells: Cells, measure: Measure, arm: Arm) -> tuple[int, int]:
    """Return how many ads have the property under a bundle, and of how many."""
    one = _PROPERTIES[measure]
    among = one.outcome if one.of_outcome else None
    return _count(cells, one.found, arm, one.outcome), _count(cells, one.among, arm, among)


def pair_measure(cells: Cells, measure: Measure) -> Pairs:
    """Return the same ads before and after. Raises ValueError for a measure that is not in `PAIRED`."""
    one = _PROPERTIES[measure]
    if one.of_outcome:
        raise ValueError(f"{measure} is a share of other ads before and after")
    both = cells.count(one.found, one.outcome, one.outcome)
    before = cells.count(one.found, one.outcome, None)
    after = cells.count(one.found, None, one.outcome)
    return Pairs(both, before - both, after - both, cells.count(one.among) - before - after + both)


def count_moved(cells: Cells) -> int:
    """Return how many ads the two bundles decide differently."""
    return cells.count() - sum(cells.count(_ALL, outcome, outcome) for outcome in OUTCOMES)


def _count(cells: Cells, found: tuple[Found, ...], arm: Arm, outcome: Outcome | None) -> int:
    if arm is Arm.BASELINE:
        return cells.count(found, outcome, None)
    return cells.count(found, None, outcome)
