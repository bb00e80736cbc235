"""Which strategy applies to an ad: the most specific scope; two that are equally specific and overlap are an error.

A scope has three dimensions, in the order in which they count: market, vertical, product. In each, one named value is
more specific than several, and several are more specific than `any`. The first dimension that differs decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from service.strategy.schema import ANY, Scope

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


def find_ties(scopes: Mapping[str, Scope]) -> Iterator[tuple[str, str]]:
    """Yield pairs of strategies that are equally specific and share an ad."""
    for (first, one), (second, other) in combinations(sorted(scopes.items()), 2):
        if specificity(one) == specificity(other) and _overlap(one, other):
            yield first, second


def _overlap(one: Scope, other: Scope) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in DIMENSIONS)
    return all(is_any(a) or is_any(b) or set(a) & set(b) for a, b in pairs)
