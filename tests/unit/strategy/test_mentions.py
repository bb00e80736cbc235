"""Names in conditions that stand for nothing, so that the condition would never hold and nobody would notice."""

# ruff: noqa: E501 - an error stands as it is read, on one line where it can

import pytest

from service.strategy import StrategyError, compile_bundle
from tests.unit.strategy.conftest import BUNDLE, FILES, STRATEGY

CLOSED = BUNDLE + "verticals: [retail, gambling]\nproducts: [feed, search]\n"
MORE = {"lists/advertisers/banned.txt": "adv-7\n", "lists/regexes/wallets.txt": "bc1[a-z0-9]{20,}\n"}


def check(condition: str) -> list[str]:
    strategy = STRATEGY.replace("      - advertiser.age_days < 7.0\n", f"      - |-\n        {condition}\n")
    files = {**FILES, **MORE, "bundle.yaml": CLOSED, "default.yaml": strategy}
    try:
        compile_bundle({name: text.encode() for name, text in files.items()})
    except StrategyError as error:
        return str(error).split("\n")
    return []


@pytest.mark.parametrize(
    ("condition", "column", "told"),
    [
        ('"casinos" in term_hits', 1, "unknown list lists/terms/casinos.txt; did you mean 'casino'?"),
        ('!("casinos" in term_hits)', 3, "unknown list lists/terms/casinos.txt; did you mean 'casino'?"),
        ('"blocked" in term_hits', 1, "'blocked' is a list of hosts, which term_hits never holds; write 'host_hits'"),
        ('"wallet" in regex_hits', 1, "unknown list lists/regexes/wallet.txt; did you mean 'wallets'?"),
        ("'ban' in advertiser_hits", 1, "unknown list lists/advertisers/ban.txt; did you mean 'banned'?"),
        ('"x" in scores && scores["gamblng"] > 0.5', 1, "no policy 'x' has a score; known are gambling, scam_fraud"),
        ('"gambling" in scores && scores["gamblng"] > 0.5', 32, "no policy 'gamblng' has a score; did you mean 'gambling'?"),
        ('"gambling" in scores && scores.gamblng > 0.5', 32, "no policy 'gamblng' has a score; did you mean 'gambling'?"),
        ('ad.market == "UK"', 14, "'UK' is not an ISO 3166-1 code; did you mean 'GB'?"),
        ('"gb" != ad.market', 1, "'gb' is not an ISO 3166-1 code; did you mean 'GB'?"),
        ('ad.market in ["DE", "XX"]', 21, "'XX' is not an ISO 3166-1 code; write two capital letters such as DE"),
        ('advertiser.country == "any"', 23, "'any' is not an ISO 3166-1 code; write two capital letters such as DE"),
        ('ad.vertical in ["retial"]', 17, "unknown vertical 'retial'; did you mean 'retail'?"),
        ('ad.product == "story"', 15, "unknown product 'story'; known are feed, search"),
        ('advertiser.trust_tier == "trustd"', 26, "unknown trust_tier 'trustd'; did you mean 'trusted'?"),
    ],
)  # fmt: skip
def test_a_name_that_stands_for_nothing_is_told(condition: str, column: int, told: str) -> None:
    """Where it stands in the condition, and what was probably meant."""
    assert f"default.yaml:18:{8 + column}: rule 'young': {told}" in check(condition)


@pytest.mark.parametrize(
    "condition",
    [
        '"casino" in term_hits || "blocked" in host_hits || "banned" in advertiser_hits || "wallets" in regex_hits',
        'ad.market in ["DE", "GB"] && advertiser.country == ""',
        'ad.attributes.market == "UK"',
        '"UK" in ["UK"] && ad.language == "xx"',
        'ad.market == "DE" // not "UK" == ad.market',
        'ad.vertical != "gambling" && ad.product in ["feed"]',
        '"gambling" in scores && scores["gambling"] > 0.5',
        'landing.host == "https://x//ad.market"',
    ],
)
def test_names_that_stand_for_something_are_left_alone(condition: str) -> None:
    """Attributes, comments and texts may say what they like."""
    condition = condition.replace("ad.attributes.market ==", "has(ad.attributes.market) && ad.attributes.market ==")
    assert check(condition) == []


def test_without_closed_lists_any_vertical_may_be_named() -> None:
    """A platform's verticals are its own."""
    strategy = STRATEGY.replace("advertiser.age_days < 7.0", 'ad.vertical == "anything"')
    files = {**FILES, "default.yaml": strategy}
    assert compile_bundle({name: text.encode() for name, text in files.items()}).version == "7"


def test_a_scope_of_an_unknown_vertical() -> None:
    """It would apply to no ad."""
    narrow = "id: gb\nowner: o\ndescription: d\nscope: {vertical: [retail, gamblng]}\n"
    files = {**FILES, "bundle.yaml": CLOSED, "gb.yaml": narrow}
    with pytest.raises(StrategyError) as caught:
        compile_bundle({name: text.encode() for name, text in files.items()})
    assert str(caught.value) == (
        "gb.yaml:4:28: unknown vertical 'gamblng'; did you mean 'gambling'? bundle.yaml lists all verticals"
    )


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ('ad.market == "UK"', "17:22"),
        ("'\"UK\" == ad.market'", "17:10"),
        ('|-\n        "UK" == ad.market', "18:9"),
        ('>-\n          ad.product == "feed" &&\n          "UK" == ad.market', "19:11"),
        ('ad.product == "feed" &&\n          "UK" == ad.market', "18:11"),
        ('|-\n        ad.product == "feed" &&\n          "UK" == ad.market', "19:11"),
    ],
    ids=["plain", "quoted", "block", "folded", "plain over lines", "block over lines"],
)  # fmt: skip
def test_the_place_is_right_however_a_condition_is_written(written: str, place: str) -> None:
    """YAML has many ways to write a text; an editor jumps to the place that is told."""
    strategy = STRATEGY.replace("      - advertiser.age_days < 7.0\n", f"      - {written}\n")
    files = {**FILES, "default.yaml": strategy}
    with pytest.raises(StrategyError) as caught:
        compile_bundle({name: text.encode() for name, text in files.items()})
    assert str(caught.value) == (
        f"default.yaml:{place}: rule 'young': 'UK' is not an ISO 3166-1 code; did you mean 'GB'?"
    )
