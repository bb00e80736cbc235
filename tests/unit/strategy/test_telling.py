from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contracts.submission import Submission
from service.rules import AdView
from service.rules.conditions import CompiledConditions
from service.rules.facts import Situation
from service.strategy.gating import Asked, Conditions, Gate
from service.strategy.telling import read_condition
from tests.ads import make_ad

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CLEAR = (
    'ad.market == "DE"', "advertiser.age_days < 7.0", "advertiser.age_days>=30.5 || landing.is_ip",
    '"spam" in scores && scores["spam"] >= 0.5', "has(ad.attributes.sold) && ad.attributes.sold == true",
    '!("spam" in scores) || advertiser.age_days != -1.0', '"words" in term_hits && !(advertiser.age_days < 7.0)',
    'advertiser.country == ad.market ? advertiser.age_days < 7.0 : ad.product == "feed"',
)  # fmt: skip
OPAQUE = (
    "advertiser.age_days * 2.0 < 7.0", "2.0 * advertiser.age_days < 7.0", "advertiser.age_days < 7.0 * 2.0",
    "7.0 > advertiser.age_days", "scores.size() > 0", "scores[ad.vertical] > 0.5", 'scores["spam"] > scores["scam"]',
    'scores["spam"] + scores["scam"] > 0.5', "ad.attributes.size() > 0", 'ad.attributes["sold"] == true',
    'landing.host.endsWith(".top")', "landing.domain == landing.host", "scores.exists(label, scores[label] > 0.9)",
    '"spam" in scores.filter(label, scores[label] > 0.5)', "true == advertiser.age_days < 7.0",
    "-advertiser.age_days < 7.0", "advertiser.age_days < 7.0e1",
)  # fmt: skip


@pytest.mark.parametrize("text", CLEAR)
def test_what_asks_little_is_clear(text: str) -> None:
    """Sides of limits, and attributes by their names."""
    assert not read_condition(text).opaque


@pytest.mark.parametrize("text", OPAQUE)
def test_what_asks_more_is_opaque(text: str) -> None:
    """Arithmetic, other values, whole maps: nothing is taken for less than it may ask."""
    assert read_condition(text).opaque


def test_what_is_asked_is_told() -> None:
    """Limits and names, each with what it belongs to."""
    telling = read_condition(
        '"spam" in scores && scores["spam"] > 0.9 && has(ad.attributes.x) && advertiser.age_days < 7.0'
    )
    assert tuple(telling) == (False, {7.0}, {("spam", 0.9), ("spam", None)}, {"x"})


ADS = st.fixed_dictionaries(
    {
        "market": st.sampled_from(["DE", "FR"]),
        "age_days": st.sampled_from([None, 0.0, 6.9, 7.0, 7.1, 30.5, 31.0]),
        "attributes": st.sampled_from([{}, {"sold": True}, {"sold": False}, {"other": 3}]),
        "scores": st.sampled_from([{}, {"spam": 0.49}, {"spam": 0.5}, {"scam": 0.9, "spam": 0.3}]),
        "hits": st.sampled_from([(), ("words",)]),
    }
)
CONDITIONS = [*CLEAR, "advertiser.age_days * 2.0 < 14.0", 'scores["spam"] > 0.4', "ad.attributes.sold == true"]
RULES = st.lists(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3, unique=True), min_size=1, max_size=4)


def _describe(ad: dict[str, Any]) -> Situation:
    age = ad["age_days"]
    created_at = None if age is None else (NOW - timedelta(days=age)).isoformat()
    advertiser = {"id": "a", "country": "DE", "created_at": created_at, "trust_tier": "new"}
    sent = make_ad(market=ad["market"], product="feed", attributes=ad["attributes"], advertiser=advertiser)
    return Situation(AdView(Submission.model_validate(sent)), NOW, ad["scores"], ad["hits"], ())


@given(RULES, st.lists(ADS, min_size=1, max_size=12))
def test_remembered_verdicts_are_what_evaluation_says(rules: list[list[str]], ads: list[dict[str, Any]]) -> None:
    """One gate that sees all the ads, against each rule's conditions on each ad alone."""
    gate = Gate([Asked(tuple(when), None) for when in rules], Conditions((), {}))
    for situation in map(_describe, ads):
        verdict = gate.judge(situation)
        truths = verdict.conditions.evaluate(situation) if verdict.conditions else []
        found = dict.fromkeys(verdict.settled, True) | dict(zip(verdict.open, truths, strict=True))
        for index, when in enumerate(rules):
            whole = CompiledConditions([" && ".join(f"({text})" for text in when)])
            assert found.get(index, False) is whole.evaluate(situation)[0]
