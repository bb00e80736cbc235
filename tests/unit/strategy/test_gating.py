from datetime import UTC, datetime
from typing import Any

import pytest

from service.contracts.submission import Submission
from service.rules import AdView
from service.rules.conditions import CompiledConditions
from service.rules.facts import Situation
from service.strategy.gating import Asked, Conditions, Gate, Verdict
from tests.ads import make_ad

NOW = datetime(2026, 11, 1, tzinfo=UTC)
IN_GERMANY = 'ad.market == "DE"'
DISCOUNTED = "has(ad.attributes.discount_pct) && double(ad.attributes.discount_pct) > 80.0"
FAILING_IN_GERMANY = 'ad.market != "DE" || 1 / (ad.product == "feed" ? 0 : 1) > 0'


def situation(term_hits: tuple[str, ...] = (), **fields: Any) -> Situation:  # noqa: ANN401 - fields of all kinds
    ad = AdView(Submission.model_validate(make_ad(**{"market": "DE", "product": "feed", **fields})))
    return Situation(ad, NOW, {}, term_hits, ())


def gate(*rules: tuple[tuple[str, ...], tuple[str, ...] | None]) -> Gate:
    return Gate([Asked(when, None if lists is None else frozenset(lists)) for when, lists in rules], Conditions((), {}))


def texts(verdict: Verdict) -> tuple[str, ...]:
    return verdict.conditions.texts if verdict.conditions else ()


def test_a_rule_over_facts_of_few_values_is_settled() -> None:
    """It fires, or is gone, without any evaluation on the ad."""
    germans = gate(((IN_GERMANY,), None), (('ad.market == "FR"',), None))
    assert germans.judge(situation()) == Verdict((0,), (), None)
    assert germans.judge(situation(market="FR")) == Verdict((1,), (), None)


def test_only_what_is_left_is_asked() -> None:
    """Of a rule that is not ruled out, the conditions that hold are left out."""
    discounts = gate(((IN_GERMANY, DISCOUNTED), None))
    verdict = discounts.judge(situation())
    assert verdict.open == (0,)
    assert texts(verdict) == (DISCOUNTED,)
    assert discounts.judge(situation(market="FR")) == Verdict((), (), None)


def test_the_answer_does_not_depend_on_earlier_ones() -> None:
    """Ads of which one asks by list names, and one by the market, do not answer for each other."""
    rules = (((IN_GERMANY,), ("words",)), (('"words" in term_hits', 'ad.market != "DE"'), None))
    asked = [situation(), situation(("words",)), situation(("words",), market="FR"), situation(market="FR")] * 2
    shared = gate(*rules)
    assert [shared.judge(one) for one in asked] == [gate(*rules).judge(one) for one in asked]
    assert [shared.judge(one).settled for one in asked[:4]] == [(), (0,), (1,), ()]


@pytest.mark.parametrize("names", [(), ("other",), ("words", "other")])
def test_a_rule_whose_match_cannot_hit_is_left_out(names: tuple[str, ...]) -> None:
    """Neither its conditions nor its match are looked at; without conditions its match decides alone."""
    assert gate(((), ("words",))).judge(situation(names)).settled == ((0,) if "words" in names else ())


def test_a_failing_condition_is_asked_again_with_the_others() -> None:
    """Another condition may rule the rule out all the same; where none does the failure is told each time."""
    failing = gate(((FAILING_IN_GERMANY, DISCOUNTED), None), ((FAILING_IN_GERMANY, 'ad.market == "FR"'), None))
    verdict = failing.judge(situation())
    assert verdict.open == (0,)
    assert isinstance(verdict.conditions, CompiledConditions)
    assert verdict.conditions.evaluate(situation(attributes={"discount_pct": 10.0})) == [False]
    assert verdict.conditions.evaluate(situation(attributes={"discount_pct": 90.0})) == [None]


def test_lists_of_a_bundle_in_memory_are_taken_over() -> None:
    """A condition that did not change is not compiled again; one that is gone is let go."""
    before = Conditions((IN_GERMANY, DISCOUNTED), {})
    kept, gone = before.compile((IN_GERMANY,)), before.compile((DISCOUNTED,))
    after = Conditions((IN_GERMANY,), before.compiled)
    assert after.compile((IN_GERMANY,)) is kept
    assert after.compile((DISCOUNTED,)) is not gone


def test_what_is_remembered_is_bounded() -> None:
    """Platforms may name any product; an answer that was forgotten is worked out again."""
    products = gate((('ad.product == "p7"',), None))
    answers = {name: products.judge(situation(product=name)).settled for name in (f"p{n}" for n in range(1_500))}
    assert [name for name, settled in answers.items() if settled] == ["p7"]
    assert products.judge(situation(product="p7")).settled == (0,)
