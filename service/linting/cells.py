"""Makes one value of each cell that a condition's literals cut a variable's values into.

Two ads whose values lie in the same cells cannot be told apart by such a condition, so what holds on one value of each
cell holds on all ads. A variable's own limits count: a market is an ISO code, a score lies in 0..1.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, product
from math import prod
from typing import NamedTuple

from iso3166 import countries_by_alpha2

from service.contracts.submission import TrustTier
from service.linting.literals import ATTRIBUTES, SCORES, Literal, Uses
from service.rules.facts import FACTS, UNKNOWN_AGE_DAYS

MAX_POINTS = 4_096
"""Combinations of values that are tried; of more nothing is claimed."""


class Absent:
    """The value of an attribute or a score that the ad does not have."""


ABSENT = Absent()
Value = Literal | Absent
Point = Mapping[str, Value]

_FRESH_TEXTS = ("~another", "~yet another")
_TIERS = tuple(tier.value for tier in TrustTier)
_MAX_ENCODING_DEPTH = 5
_IN_SMALL_LETTERS = frozenset({"ad.language", "landing.host", "landing.domain"})


class Limits(NamedTuple):
    """What is known beforehand: the values that a variable can have at all, by variable."""

    values: Mapping[str, Sequence[Value]]


ANYTHING = Limits({})


def list_points(uses: Sequence[Uses], limits: Limits) -> list[Point] | None:
    """Return one point of each combination of cells; None where there are more than `MAX_POINTS`, or none can be told.

    Raises nothing. No point at all means that a variable has no value that the limits allow.
    """
    literals = {name: set[Literal]() for use in uses for name in use.literals}
    for name, found in (pair for use in uses for pair in use.literals.items()):
        literals[name] |= found
    for one, other in (pair for use in uses for pair in use.linked):
        if not (_is_text(one) and _is_text(other)):
            return None
        limited = {value for name in (one, other) for value in limits.values.get(name, ()) if isinstance(value, str)}
        shared = literals[one] | literals[other] | _known_texts(one) | _known_texts(other) | limited
        literals[one] = literals[other] = shared
    choices = {name: _choose(name, values, limits) for name, values in sorted(literals.items())}
    if prod(map(len, choices.values())) > MAX_POINTS:
        return None
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def to_facts(point: Point) -> dict[str, object]:
    """Return a point as the data that conditions are evaluated on."""
    data: dict[str, object] = {}
    attributes: dict[str, Value] = {}
    scores: dict[str, Value] = {}
    lists: dict[str, list[str]] = {name: [] for name, fact in FACTS.items() if fact.type == "list(string)"}
    for name, value in point.items():
        if "#" in name:
            if value:
                lists[name.partition("#")[0]].append(name.partition("#")[2])
        elif isinstance(value, Absent):
            continue
        elif name.startswith(ATTRIBUTES):
            attributes[name.removeprefix(ATTRIBUTES)] = value
        elif name.startswith(SCORES):
            scores[name.removeprefix(SCORES)] = value
        else:
            data[name] = value
    return {**data, **lists, "ad.attributes": attributes, "scores": scores}


def _choose(name: str, literals: set[Literal], limits: Limits) -> Sequence[Value]:
    found = _cut(name, literals)
    if name not in limits.values:
        return found
    allowed = limits.values[name]
    # A value that the limits allow and no literal names stands for all such.
    others = [value for value in allowed if value not in literals][:2]
    return list(dict.fromkeys([value for value in allowed if value in literals] + others))


def _cut(name: str, literals: set[Literal]) -> Sequence[Value]:  # noqa: PLR0911 - one line a kind of variable
    if "#" in name:
        return (True, False)
    if name.startswith(ATTRIBUTES):
        return _cut_attribute(literals)
    if name.startswith(SCORES):
        return [ABSENT, *(value for value in _cut_numbers([*_numbers(literals), 0.0, 1.0]) if 0.0 <= value <= 1.0)]
    if name == "advertiser.age_days":
        numbers = _cut_numbers([*_numbers(literals), 0.0])
        return [UNKNOWN_AGE_DAYS, *(value for value in numbers if value >= 0.0)]
    if name == "landing.encoding_depth":
        return tuple(range(_MAX_ENCODING_DEPTH + 1))
    if FACTS[name].type == "bool":
        return (True, False)
    return _cut_texts(name, {value for value in literals if isinstance(value, str)})


def _cut_texts(name: str, literals: set[str]) -> list[Value]:
    if name == "advertiser.trust_tier":
        return [*_TIERS]
    if name in {"ad.market", "advertiser.country"}:
        known = [value for value in sorted(literals) if value in countries_by_alpha2]
        others = [code for code in sorted(countries_by_alpha2) if code not in literals][:2]
        return [*known, *others, *([""] if name == "advertiser.country" else [])]
    if name in _IN_SMALL_LETTERS:
        literals = {value for value in literals if value == value.lower()}
    return [*sorted(literals | {""}), *_FRESH_TEXTS]


def _cut_attribute(literals: set[Literal]) -> list[Value]:
    texts = sorted(value for value in literals if isinstance(value, str))
    numbers = _cut_numbers([*_numbers(literals), 0.0])
    whole = sorted({int(number) for number in numbers} | {int(number) + 1 for number in numbers})
    # One and 1.0 and true are equal in Python and not in CEL, so they must not meet in a set.
    # A text of digits counts too: `double()` reads it as a number.
    spelled = [str(number) for number in numbers]
    return [ABSENT, None, True, False, *texts, "", _FRESH_TEXTS[0], *spelled, *numbers, *whole]


def _cut_numbers(literals: Iterable[float]) -> list[float]:
    ordered = sorted(set(map(float, literals)))
    between = [(one + other) / 2 for one, other in pairwise(ordered)]
    return sorted({*ordered, *between, ordered[0] - 1.0, ordered[-1] + 1.0})


def _numbers(literals: Iterable[Literal]) -> list[float]:
    return [float(value) for value in literals if isinstance(value, int | float) and not isinstance(value, bool)]


def _is_text(name: str) -> bool:
    return name in FACTS and FACTS[name].type == "string"


def _known_texts(name: str) -> set[Literal]:
    return {value for value in _cut_texts(name, set()) if isinstance(value, str)}
