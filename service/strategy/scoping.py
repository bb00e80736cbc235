"""Which strategies apply to an ad, and in which order: the most specific scope first; two that tie are an error.

A scope has three dimensions, in the order in which they count: market, vertical, product. In each, one named value is
more specific than several, and several are more specific than `any`. The first dimension that differs decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from service.strategy.scalars import ANY
from service.strategy.schema import Period, Scope, StrategyFile

DIMENSIONS = ("market", "vertical", "product")
Triple = tuple[str, str, str]


def is_any(values: Sequence[str]) -> bool:
    """Tell whether a dimension of a scope is `any`."""
    return ANY in values


def specificity(scope: Scope) -> tuple[int, ...]:
    """Return how specific a scope is; the larger the more specific."""
    sizes = (getattr(scope, name) for name in DIMENSIONS)
    return tuple(0 if is_any(values) else 2 if len(values) == 1 else 1 for values in sizes)


def covers(scope: Scope, ad: Triple) -> bool:
    """Tell whether a scope holds an ad's (market, vertical, product)."""
    dimensions = zip((getattr(scope, name) for name in DIMENSIONS), ad, strict=True)
    return all(is_any(values) or value in values for values, value in dimensions)


def holds_at(period: Period, as_of: datetime) -> bool:
    """Tell whether a period holds a moment: from `from` on, until just before `until`."""
    return (period.start is None or as_of >= period.start) and (period.until is None or as_of < period.until)


def is_default(strategy: StrategyFile) -> bool:
    """Tell whether a strategy applies to every ad at all times."""
    return specificity(strategy.scope) == (0, 0, 0) and strategy.effective == Period()


def find_ties(strategies: Mapping[str, StrategyFile]) -> Iterator[tuple[str, str]]:
    """Yield pairs of strategies that are equally specific and share an ad and a time."""
    for (first, one), (second, other) in combinations(sorted(strategies.items()), 2):
        if (
            specificity(one.scope) == specificity(other.scope)
            and _overlap(one.scope, other.scope)
            and _overlap_in_time(one.effective, other.effective)
        ):
            yield first, second


def _overlap(one: Scope, other: Scope) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in DIMENSIONS)
    return all(is_any(a) or is_any(b) or set(a) & set(b) for a, b in pairs)


def _overlap_in_time(one: Period, other: Period) -> bool:
    return not (
        (one.until and other.start and one.until <= other.start)
        or (other.until and one.start and other.until <= one.start)
    )
