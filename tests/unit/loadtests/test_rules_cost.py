from pathlib import Path

import pytest

from loadtests.judging import judge_bundle, judge_rules
from loadtests.large_bundle import RULES, TERMS, count_terms, make_large_bundle
from loadtests.rules_cost import BundleFootprint, RulesCost, is_latin, make_submissions, measure_rules
from loadtests.spread import Spread
from service.strategy import load_bundle

STARTING = Path(__file__).resolve().parents[3] / "deploy" / "strategies"


def test_the_large_bundle_is_as_large_as_it_says() -> None:
    """100,000 lines of terms, the same at each call; another version differs by a term."""
    files = make_large_bundle(STARTING)
    assert files == make_large_bundle(STARTING)
    assert count_terms(files) == TERMS
    assert count_terms(make_large_bundle(STARTING, version=1)) == TERMS + 1
    rules = files["rules/grown.yaml"].decode()
    assert 0 < rules.count("  - id: ") < RULES
    assert rules.count("match:") * 2 >= rules.count("  - id: ")


def test_ads_are_told_apart_by_their_letters() -> None:
    """Accents are Latin; one letter of another script is enough not to be."""
    ads = make_submissions()
    latin = [ad for ad in ads if is_latin(ad)]
    assert {ad.market for ad in latin} >= {"DE", "FR", "GB"}
    assert "RU" not in {ad.market for ad in latin if not ad.creative.headline.isascii()}
    assert 0.5 * len(ads) < len(latin) < len(ads)


def test_views_and_rules_are_measured() -> None:
    """A pass costs something, for either kind of ad."""
    cost = measure_rules(load_bundle(STARTING), ["spam"], 1)
    assert cost.latin_us.least > 0 < cost.all_us.least


@pytest.mark.parametrize(("latin_us", "met"), [(60.0, True), (60.1, False)])
def test_the_target_is_for_latin_ads(latin_us: float, met: bool) -> None:  # noqa: FBT001 - a test's case
    """Other ads are told, not judged."""
    latin, all_ = judge_rules("rules", RulesCost(Spread(latin_us, 1, 99, 5), Spread(500.0, 1, 999, 5)), 60.0)
    assert (latin.met, all_.met) == (met, None)


def _judge(**changes: object) -> dict[str, bool | None]:
    found = {"load_s": 2.0, "swap_s": 1.0, "taken_bytes": 100_000_000, "peak_bytes": 200_000_000,
             "swapped_bytes": 120_000_000, "kept_bytes": 10_000_000, "released": True, **changes}  # fmt: skip
    return {row.what: row.met for row in judge_bundle("bundle", BundleFootprint(**found))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, []),
        ({"taken_bytes": 151_000_000}, ["memory it takes"]),
        ({"swapped_bytes": 151_000_000}, ["memory after a swap to its next version"]),
        ({"kept_bytes": 70_000_000}, ["memory after going back to the starting bundle"]),
        ({"released": False}, ["memory after going back to the starting bundle"]),
    ],
)
def test_a_bundle_is_judged_by_what_it_takes_and_leaves(change: dict[str, object], missed: list[str]) -> None:
    """Too much memory, after a swap too, and what something still holds."""
    assert [what for what, met in _judge(**change).items() if met is False] == missed
