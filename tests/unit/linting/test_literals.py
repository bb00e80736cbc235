"""What is read of a condition, and what is left alone."""

import pytest

from service.linting.conjuncts import read_conjuncts
from service.linting.literals import Uses


def _uses(condition: str) -> Uses | None:
    (part,) = read_conjuncts([condition])
    return part.uses


@pytest.mark.parametrize(
    ("condition", "literals"),
    [
        ('ad.market == "GB"', {"ad.market": {"GB"}}),
        ("'GB' != ad.market", {"ad.market": {"GB"}}),
        ("advertiser.age_days < -1.5", {"advertiser.age_days": {-1.5}}),
        ('!(ad.market in ["GB", "DE"])', {"ad.market": {"GB", "DE"}}),
        ("landing.is_ip || !landing.valid", {"landing.is_ip": set(), "landing.valid": set()}),
        ('"casino" in term_hits', {"term_hits#casino": set()}),
        ('"bad" in host_hits || "worse" in regex_hits', {"host_hits#bad": set(), "regex_hits#worse": set()}),
        ("has(ad.attributes.x)", {"ad.attributes.x": set()}),
        ('"x" in ad.attributes', {"ad.attributes.x": set()}),
        ('ad.attributes["x"] >= 3', {"ad.attributes.x": {3}}),
        ("ad.attributes.x == null // none", {"ad.attributes.x": {None}}),
        ('scores["gambling"] > 0.5', {"scores.gambling": {0.5}}),
        ("scores.gambling > 0.5 || !('gambling' in scores)", {"scores.gambling": {0.5}}),
        ("double(ad.attributes.x) < 18.0", {"ad.attributes.x": {18.0}}),
        ("type(ad.attributes.x) in [int, double]", {"ad.attributes.x": set()}),
        ("type(ad.attributes.x) != string", {"ad.attributes.x": set()}),
        ("ad.attributes.adult", {"ad.attributes.adult": set()}),
    ],
)
def test_what_variables_are_compared_with(condition: str, literals: dict[str, set[object]]) -> None:
    """Each form gives its variable and the literals beside it."""
    uses = _uses(condition)
    assert uses is not None
    assert uses.literals == literals
    assert uses.linked == []


def test_variables_compared_with_each_other_are_linked() -> None:
    """Their values must be tried as equals and as others."""
    uses = _uses("advertiser.country != ad.market")
    assert uses is not None
    assert uses.linked == [("advertiser.country", "ad.market")]


@pytest.mark.parametrize(
    "condition",
    [
        "size(term_hits) > 2",
        "ad.market.startsWith('G')",
        "landing.host.endsWith('.example') || landing.is_ip",
        "int(ad.attributes.x) > 3",
        "double(landing.encoding_depth) > 3.0",
        "type(ad.attributes.x) == list",
        "type(ad.attributes.x) in [int, map]",
        'ad.market < "GB"',
        "ad.market > advertiser.country",
        "advertiser.age_days + 1.0 > 3.0",
        "true ? landing.is_ip : landing.valid",
        "term_hits.exists(name, name == 'x')",
        'ad.market == "a\\"b"',
        'ad.market == r"GB"',
        "ad.language in term_hits",
        "ad.market in [advertiser.country]",
        "ad.attributes.x.y == 1",
        "1 < 2",
        "7u < 8u",
        'ad.market == "GB" ?',
    ],
)  # fmt: skip
def test_what_is_not_understood_is_left_alone(condition: str) -> None:
    """No cells are told of it, so nothing is claimed."""
    assert _uses(condition) is None


def test_parts_that_must_all_hold_are_read_apart() -> None:
    """`a && b` is two parts with their places; `a || b && c` is one."""
    parts = read_conjuncts(
        ['landing.valid  && (landing.is_ip || ad.market == "GB")', "landing.valid || landing.is_ip && landing.punycode"]
    )
    assert [(part.text, part.entry, part.at) for part in parts] == [
        ("landing.valid", 0, 0),
        ('(landing.is_ip || ad.market == "GB")', 0, 18),
        ("landing.valid || landing.is_ip && landing.punycode", 1, 0),
    ]


def test_one_part_that_is_not_understood_does_not_hide_the_others() -> None:
    """The others are still read."""
    parts = read_conjuncts(["size(term_hits) > 2 && landing.is_ip"])
    assert [part.uses is None for part in parts] == [True, False]
