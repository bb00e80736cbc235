"""What is proven of conditions, tried against CEL itself on ads of all kinds."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.linting.cells import ABSENT, ANYTHING, Limits, Value, list_points, to_facts
from service.linting.conjuncts import read_conjuncts
from service.linting.proving import always_holds, can_hold, implies, split_components
from service.rules.conditions import CompiledConditions, FactSheet

GB_ONLY = Limits({"ad.market": ("GB",)})


@pytest.mark.parametrize(
    "conditions",
    [
        ['ad.market == "DE"', 'ad.market != "DE"'],
        ["advertiser.age_days < 7.0 && advertiser.age_days > 9.0"],
        ["advertiser.age_days < -1.0"],
        ['ad.market == "UK"'],
        ['advertiser.trust_tier == "gold"'],
        ["landing.encoding_depth > 5"],
        ["landing.is_ip && !landing.is_ip"],
        ['"a" in term_hits', '!("a" in term_hits)'],
        ['"p" in scores && scores.p > 1.0'],
        ['!("p" in scores)', "scores.p > 0.5"],
        ["ad.attributes.x == true", "ad.attributes.x == 1"],
        ["!has(ad.attributes.x)", "ad.attributes.x == 1"],
        ["type(ad.attributes.x) == string", "ad.attributes.x > 1"],
        ["double(ad.attributes.x) < 18.0 && double(ad.attributes.x) > 21.0"],
        ['ad.language == "EN"'],
        ["ad.attributes.x > 3 && ad.attributes.x < 2.5"],
        ['ad.market == advertiser.country && ad.market == "GB" && advertiser.country == "DE"'],
        ["size(term_hits) > 2", 'ad.vertical == "a" && ad.vertical == "b"'],
    ],
)
def test_conditions_that_never_hold(conditions: list[str]) -> None:
    """Contradictions, and values that no ad has, are found, also beside a part that is not understood."""
    assert not all(can_hold(group, ANYTHING) for group in split_components(read_conjuncts(conditions)))


@pytest.mark.parametrize(
    "condition",
    [
        "advertiser.age_days >= -1.0",
        "landing.is_ip || !landing.is_ip",
        'ad.market != "UK"',
        '"a" in term_hits || !("a" in term_hits)',
        "landing.encoding_depth < 6",
        "ad.market == advertiser.country || ad.market != advertiser.country",
    ],
)  # fmt: skip
def test_conditions_that_always_hold(condition: str) -> None:
    """What no ad can fail is found."""
    assert always_holds(read_conjuncts([condition]), ANYTHING)


@pytest.mark.parametrize(
    "condition",
    [
        'ad.market == "GB"',
        "advertiser.age_days < 7.0 && advertiser.age_days > 6.99",
        "advertiser.age_days < 0.0",
        "ad.attributes.x > 3 && ad.attributes.x < 4",
        "ad.attributes.x > 3 && ad.attributes.x < 5",
        "!has(ad.attributes.x) || ad.attributes.x == null || ad.attributes.x == ''",
        "scores.p > 0.99",
        "type(ad.attributes.x) in [int, double] && double(ad.attributes.x) < 18.0",
        "type(ad.attributes.x) == string && double(ad.attributes.x) > 18.0",
        'advertiser.country != ad.market && ad.market != "GB"',
        "size(term_hits) > 2",
    ],
)
def test_conditions_that_can_hold_or_not(condition: str) -> None:
    """Nothing is claimed of what some ads meet and others do not, or of what is not understood."""
    parts = read_conjuncts([condition])
    assert can_hold(parts, ANYTHING)
    assert not always_holds(parts, ANYTHING)


def test_the_scope_limits_what_an_ad_can_be() -> None:
    """In a strategy of one market, a condition on it always holds, and one on another never."""
    assert always_holds(read_conjuncts(['ad.market == "GB"']), GB_ONLY)
    assert not can_hold(read_conjuncts(['ad.market == "DE"']), GB_ONLY)
    linked = read_conjuncts(["advertiser.country == ad.market"])
    assert can_hold(linked, GB_ONLY)
    assert not always_holds(linked, GB_ONLY)


def test_what_follows_from_what() -> None:
    """Younger than a week implies younger than a month; parts that are the same text need not be understood."""
    week, month = read_conjuncts(["advertiser.age_days < 7.0"]), read_conjuncts(["advertiser.age_days < 30.0"])
    assert implies(week, month, ANYTHING)
    assert not implies(month, week, ANYTHING)
    odd = read_conjuncts(["size(term_hits) > 2", "advertiser.age_days < 7.0"])
    assert implies(odd, read_conjuncts(["size(term_hits) > 2"]), ANYTHING)
    assert implies(odd, month, ANYTHING)
    assert not implies(week, odd, ANYTHING)


def test_too_many_combinations_prove_nothing() -> None:
    """Twenty free variables are not enumerated."""
    parts = read_conjuncts([" || ".join(f'"list{n}" in term_hits' for n in range(20))])
    assert list_points([part.uses for part in parts if part.uses], ANYTHING) is None
    assert can_hold(parts, ANYTHING)


_ATOMS = st.sampled_from(
    [
        'ad.market == "GB"', 'ad.market in ["GB", "DE"]', "advertiser.country == ad.market",
        "advertiser.age_days < 7.0",
        "advertiser.age_days >= 30.0", "has(ad.attributes.x)", "ad.attributes.x == null", "ad.attributes.x > 3",
        "ad.attributes.x <= 2.5", 'ad.attributes.x == "a"', "ad.attributes.x == true", '"p" in scores',
        "scores.p >= 0.5",
        "type(ad.attributes.x) in [int, double]", "double(ad.attributes.x) < 2.5",
        '"l" in term_hits', "landing.encoding_depth > 2",
    ]
)  # fmt: skip
_CONDITIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"({' '.join(parts)})"),
    ),
    max_leaves=6,
)
_ATTRIBUTE_VALUES: tuple[Value, ...] = (ABSENT, None, True, "a", "z", "1.5", 2, 2.75, 4)
_SCORES: tuple[Value, ...] = (ABSENT, 0.7)
_ADS: list[dict[str, Value]] = [
    {
        "ad.market": market,
        "advertiser.country": country,
        "advertiser.age_days": age,
        "ad.attributes.x": attribute,
        "scores.p": score,
        "term_hits#l": hit,
        "landing.encoding_depth": depth,
    }
    for market, country, age, attribute, score, hit, depth in product(
        ("GB", "US"), ("GB", "FR", ""), (-1.0, 5.0, 99.0), _ATTRIBUTE_VALUES, _SCORES,
        (True, False), (0, 4),
    )
]  # fmt: skip


@given(condition=_CONDITIONS, ads=st.lists(st.sampled_from(_ADS), min_size=20, max_size=20))
def test_no_ad_contradicts_a_proof(condition: str, ads: list[dict[str, Value]]) -> None:
    """Where it is proven that no ad, or every ad, meets a condition, CEL says the same on each ad."""
    parts = read_conjuncts([condition])
    possible = all(can_hold(group, ANYTHING) for group in split_components(parts))
    certain = always_holds(parts, ANYTHING)
    compiled = CompiledConditions([condition])
    truths = {compiled.evaluate_on(FactSheet.of_values(to_facts(ad)), [0])[0] for ad in ads}
    assert possible or True not in truths
    assert not certain or truths == {True}


@given(premise=_CONDITIONS, conclusion=_CONDITIONS, ads=st.lists(st.sampled_from(_ADS), min_size=20, max_size=20))
def test_no_ad_contradicts_a_consequence(premise: str, conclusion: str, ads: list[dict[str, Value]]) -> None:
    """Where one condition is proven to follow from another, CEL finds no ad with the one and without the other."""
    follows = implies(read_conjuncts([premise]), read_conjuncts([conclusion]), ANYTHING)
    compiled = CompiledConditions([premise, conclusion])
    for ad in ads:
        first, second = compiled.evaluate_on(FactSheet.of_values(to_facts(ad)), [0, 1])
        assert not (follows and first and not second)
