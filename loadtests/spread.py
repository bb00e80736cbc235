"""Small statistics of repeated measurements: median with extremes, ratios round by round, percentiles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """What `rounds` measurements of one thing came to."""

    median: float
    least: float
    most: float
    rounds: int


def summarise(values: Sequence[float]) -> Spread:
    """Return median and extremes. Raises ValueError without a value."""
    if not values:
        raise ValueError("nothing was measured")
    return Spread(median(values), min(values), max(values), len(values))


def compare(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return the ratio ours / theirs of each round: neighbours in time meet the same weather on the machine."""
    return summarise([our / their for our, their in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed (nearest rank).

    Raises ValueError without a value.
    """
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
