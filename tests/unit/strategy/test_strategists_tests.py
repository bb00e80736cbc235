"""Strategists' own tests as they are read: what is filled in, and what is refused."""

# ruff: noqa: E501 - an error stands as it is read, on one line where it can

from datetime import UTC, datetime

import pytest

from service.contracts.decision import Outcome
from service.contracts.submission import TrustTier
from service.strategy import StrategyError, StrategyTest, compile_bundle
from tests.unit.strategy.conftest import BUNDLE, FILES, STRATEGY

SCOPED = (
    STRATEGY.replace("id: default", "id: gb")
    .replace("market: any", "market: GB")
    .replace("vertical: any", "vertical: [gambling, betting]")
)


def read(tests: str, *, scoped: bool = False, bundle: str = BUNDLE) -> tuple[StrategyTest, ...]:
    files = {**FILES, "bundle.yaml": bundle}
    files |= {"gb.yaml": SCOPED + tests} if scoped else {"tests/t.yaml": tests}
    return compile_bundle({name: text.encode() for name, text in files.items()}).tests


def test_what_a_test_leaves_out_takes_ordinary_values() -> None:
    """An established advertiser of the market shows an ordinary ad."""
    [test] = read("tests:\n  - {name: plain, expect: {outcome: approve}}\n")
    ad = test.submission
    assert (ad.market, ad.vertical, ad.product, ad.language) == ("GB", "retail", "feed", None)
    assert (ad.advertiser.country, ad.advertiser.trust_tier) == ("GB", TrustTier.STANDARD)
    assert ad.advertiser.created_at == datetime(2020, 1, 1, tzinfo=UTC)
    assert ad.creative.headline == "An ordinary ad"
    assert (test.name, test.scores, test.as_of, str(test.where)) == ("plain", {}, None, "tests/t.yaml:2:5")


def test_a_strategy_s_own_tests_are_of_its_scope() -> None:
    """One value is taken; of several the first; what the test says itself goes before both."""
    tests = read(
        "tests:\n"
        "  - {name: own, expect: {outcome: approve}}\n"
        "  - {name: other, ad: {market: FR, advertiser: {trust_tier: new}}, expect: {outcome: approve}}\n",
        scoped=True,
    )
    assert [(t.submission.market, t.submission.vertical, t.submission.advertiser.country) for t in tests] == [
        ("GB", "gambling", "GB"), ("FR", "gambling", "FR"),
    ]  # fmt: skip
    assert tests[1].submission.advertiser.trust_tier is TrustTier.NEW


def test_an_ad_with_a_link_alone_still_has_a_text() -> None:
    """Without any text an ad is looked at for that; a test that wants this says so."""
    tests = read(
        "tests:\n"
        "  - {name: link, ad: {creative: {landing_url: 'https://x.example'}}, expect: {outcome: approve}}\n"
        "  - {name: empty, ad: {creative: {headline: ''}}, expect: {outcome: review}}\n"
    )
    assert [test.submission.creative.headline for test in tests] == ["An ordinary ad", ""]


def test_scores_time_and_expectations_are_read() -> None:
    """One rule or several; the time with its zone."""
    [test] = read(
        "tests:\n"
        "  - name: all\n"
        "    scores: {gambling: 0.5}\n"
        "    as_of: 2026-11-20T01:00:00+01:00\n"
        "    expect: {outcome: reject, policy: gambling, rule: [casino-words, young], not_rule: blocked, strategy: default}\n"
    )
    assert (test.scores, test.as_of) == ({"gambling": 0.5}, datetime(2026, 11, 20, tzinfo=UTC))
    expect = test.expect
    assert (expect.outcome, expect.policy, expect.rule) == (Outcome.REJECT, ("gambling",), ("casino-words", "young"))
    assert (expect.not_rule, expect.strategy) == (("blocked",), "default")


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("ad: {markt: DE}", "3:10: unknown field 'markt'; did you mean 'market'?"),
        ("ad: {creative: {headlin: x}}", "3:21: unknown field 'headlin'; did you mean 'headline'?"),
        ("ad: {market: UK}", "3:18: tests.0.ad.market: 'UK' is not an ISO 3166-1 alpha-2 code; did you mean 'GB'?"),
        ("ad: {revision: -1}", "3:20: tests.0.ad.revision: input should be greater than or equal to 0; write a number in that range"),
        ("ad: []", "3:9: tests.0.ad: input should be a valid dictionary; write a mapping"),
        ("scores: {gamblng: 0.5}", "3:14: no policy 'gamblng' has a score; did you mean 'gambling'?"),
        ("scores: {gambling: 5}", "3:24: tests.0.scores.gambling: input should be less than or equal to 1; write a number in that range"),
        ("as_of: 2026-01-01T00:00:00", "3:12: tests.0.as_of: input should have timezone info; write a time with its zone, such as 2026-11-01T00:00:00Z"),
        ("expect: {outcome: reject, rule: yong}", "3:37: no strategy has a rule 'yong'; did you mean 'young'?"),
        ("expect: {outcome: reject, not_rule: [young, yong]}", "3:49: no strategy has a rule 'yong'; did you mean 'young'?"),
        ("expect: {outcome: reject, policy: gamblng}", "3:39: unknown policy 'gamblng'; did you mean 'gambling'?"),
        ("expect: {outcome: reject, strategy: defalt}", "3:41: unknown strategy 'defalt'; did you mean 'default'?"),
        ("expect: {rule: young}", "3:13: field 'outcome' is missing in tests.0.expect; add 'outcome:'"),
        ("expects: {outcome: reject}", "3:5: unknown field 'expects'; did you mean 'expect'?"),
        ("ad: {vertical: retial}", "3:20: unknown vertical 'retial'; did you mean 'retail'?"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_test_is_named_with_its_place(test: str, told: str) -> None:
    """A test that tests nothing would give a false feeling of safety."""
    expect = "" if test.startswith("expect") and not test.startswith("expects") else "    expect: {outcome: approve}\n"
    text = f"tests:\n  - name: a\n    {test}\n{expect}"
    with pytest.raises(StrategyError) as caught:
        read(text, bundle=BUNDLE + "verticals: [retail, gambling]\n")
    assert str(caught.value) == f"tests/t.yaml:{told}"
