"""The bundle that ships in `deploy/strategies`: it fits the shipped classifier, and its own tests are worth having."""

import json
import unicodedata
from collections import defaultdict

import pytest

from service.contracts.decision import Outcome
from service.linting.testing import run_tests
from service.rules.facts import FACTS
from service.shipped import shipped_path
from service.strategy import Bundle, check_labels
from service.strategy.strategists_tests import StrategyTest
from tests.moderating import NOW, load_shipped

OFFERS = (
    "adult_offers",
    "counterfeit",
    "drug_offers",
    "gambling_offers",
    "misleading_health",
    "phishing",
    "scam_fraud",
    "weapon_offers",
)
SCRIPTS = {"LATIN", "CYRILLIC", "ARABIC", "DEVANAGARI", "CJK", "KATAKANA", "HANGUL", "THAI"}
ONLY_RULES = {"counterfeit", "self_harm", "violence", "age_restricted", "circumventing_systems"}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_shipped().strategies


def list_fired(test: StrategyTest) -> set[str]:
    return set(test.expect.rule)


def test_it_fits_the_shipped_classifier(bundle: Bundle) -> None:
    """Every label has thresholds and every threshold a label."""
    check_labels(bundle, load_shipped().classifier.labels)


def test_it_does_what_its_own_tests_say() -> None:
    """The strategists' tests pass with the shipped classifier, and there are enough of them."""
    ran = run_tests(load_shipped(), NOW)
    assert ran.failed == ()
    assert ran.ran >= 600


def test_every_rule_has_a_test(bundle: Bundle) -> None:
    """A rule that nobody tries is a rule that nobody knows to work."""
    rules = {source.entry.id for layer in bundle.layers for source in layer.rules}
    assert rules - {rule for test in bundle.tests for rule in list_fired(test)} == set()


def test_every_policy_has_a_test(bundle: Bundle) -> None:
    """Each policy is the reason for a restriction at least once, those that only rules cover among them."""
    policies = {policy for test in bundle.tests for policy in test.expect.policy}
    scored = {policy for strategy in bundle.strategies for policy in strategy.thresholds}
    assert set(bundle.policies) - policies == set()
    assert set(bundle.policies) - scored >= ONLY_RULES


def test_good_ads_are_tried_as_often_as_bad_ones(bundle: Bundle) -> None:
    """At least a third of the tests are ads that must be approved."""
    approved = [test for test in bundle.tests if test.expect.outcome is Outcome.APPROVE]
    assert len(approved) * 3 >= len(bundle.tests)


def test_the_tests_cover_markets_and_verticals(bundle: Bundle) -> None:
    """Many markets and lines of business are tried."""
    assert len({test.submission.market for test in bundle.tests}) >= 40
    assert len({test.submission.vertical for test in bundle.tests}) >= 25


def test_market_differences_are_shown_by_pairs(bundle: Bundle) -> None:
    """Pairs of ads that differ only in the market come out differently: what the law says is seen, not the ad."""
    outcomes: dict[str, dict[str, Outcome]] = defaultdict(dict)
    for test in bundle.tests:
        ad = test.submission.model_dump(mode="json", exclude={"ad_id", "market", "submitted_at"})
        ad["advertiser"].pop("country")
        ad["advertiser"].pop("created_at")
        key = json.dumps([ad, dict(test.scores), str(test.as_of)], sort_keys=True)
        outcomes[key][test.submission.market] = test.expect.outcome
    differing = [found for found in outcomes.values() if len(set(found.values())) > 1]
    assert len(differing) >= 45
    assert len({market for found in differing for market in found}) >= 30


@pytest.mark.parametrize("name", OFFERS)
def test_lists_of_offers_speak_many_languages(name: str, bundle: Bundle) -> None:
    """What is caught in English is caught in the large scripts too."""
    letters = {letter for entry in bundle.lists.of_kind("terms")[name] for letter in entry.text if letter.isalpha()}
    assert SCRIPTS - {unicodedata.name(letter).split()[0] for letter in letters} == set()


def test_the_demo_uses_verticals_that_exist(bundle: Bundle) -> None:
    """The closed lists of verticals and products hold what the demo's ads name."""
    lines = shipped_path("service/demo/ads.jsonl").read_text(encoding="utf-8").splitlines()
    ads = [json.loads(line) for line in lines]
    assert {ad["vertical"] for ad in ads} <= set(bundle.shared.verticals)
    assert {ad["product"] for ad in ads} <= set(bundle.shared.products)


def test_elections_need_two_signatures(bundle: Bundle) -> None:
    """Strategies on elections go live by the word of two people; others by one, so that daily work goes on."""
    guarded = {layer.id for layer in bundle.layers if layer.strategy.approvals > 1}
    assert guarded == {layer.id for layer in bundle.layers if layer.id.startswith("politics")}


def test_the_readme_lists_every_variable() -> None:
    """What strategists may write is what their page says."""
    text = shipped_path("deploy/strategies/README.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {fact.type} | {fact.meaning} |" for name, fact in FACTS.items()]
    assert [line for line in text.split("\n") if line.startswith("| `") and line.count("|") == 4][-len(rows) :] == rows
