# ruff: noqa: E501 - a case is read as a line
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from service.contracts.submission import Submission
from service.rules import AdView, CompiledConditions, ConditionError
from service.rules.conditions import compile_condition
from service.rules.facts import FACTS, Situation
from tests.ads import make_ad

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def situation(
    scores: Mapping[str, float] | None = None,
    term_hits: Sequence[str] = (),
    host_hits: Sequence[str] = (),
    **changes: Any,  # noqa: ANN401 - any JSON value
) -> Situation:
    ad = AdView(Submission.model_validate(make_ad(**changes)))
    return Situation(ad, NOW, scores or {}, term_hits, host_hits, ["wallets"], ["known"])


@pytest.mark.parametrize(
    "text",
    [
        'ad.vertical == "retail" && ad.market in ["DE", "AT"] && ad.product == "feed"',
        'ad.language == "en"',
        "has(ad.attributes.discount_pct) && double(ad.attributes.discount_pct) > 10.0",
        "!has(ad.attributes.licence)",
        'advertiser.country == "DE" && advertiser.trust_tier == "standard"',
        "advertiser.age_days > 1000.0",
        'landing.given && landing.valid && landing.host == "www.shop.example" && landing.domain == "shop.example"',
        "!landing.is_ip && !landing.has_credentials && landing.encoding_depth == 0",
        "!landing.punycode && !landing.mixed_scripts && !landing.differs_from_display",
        '"gambling" in scores && scores["gambling"] > 0.4',
        '"crypto" in term_hits && !("x" in term_hits)',
        '"blocked" in host_hits',
        '"wallets" in regex_hits && "known" in advertiser_hits',
        "true // a comment",
    ],
)
def test_conditions_that_hold(text: str) -> None:
    """Each variable says what the ad says."""
    compile_condition(text)
    at = situation({"gambling": 0.5}, ["crypto"], ["blocked"])
    assert CompiledConditions([text]).evaluate(at) == [True]


@pytest.mark.parametrize(
    ("text", "error", "column"),
    [
        ("ad.markt == 'DE'", "'ad.markt' is not a variable or function of conditions; did you mean 'ad.market'?", 3),
        (
            "advertiser.age_days < 7",
            "'<' does not work on double and int; write the number with a point, such as 7.0, where the other side is a double",
            21,
        ),
        ("ad.vertical + 1 == 2", "'+' does not work on string and int; compare values of one type", 13),
        ("ad.market", "the condition gives a string, not true or false; compare it with something", 1),
        ("ad.attributes.x", "the condition gives a dyn, not true or false; compare it with something", 1),
        ("ad.market.matches('D.')", "matches() is not allowed; put patterns on a list instead; it is slow here", 10),
        (
            "ad.market.startWith('D')",
            "'startWith' is not a variable or function of conditions; did you mean 'startsWith'?",
            20,
        ),
        (
            "ad.market ==",
            "syntax error: mismatched input '<EOF>'; something is missing at the end: a value or a closing bracket",
            13,
        ),
        (
            'ad.market == "DE" and true',
            "syntax error: mismatched input 'and' expecting <EOF>; write '&&' for 'and'",
            19,
        ),
        ('ad.market == "DE" or true', "syntax error: mismatched input 'or' expecting <EOF>; write '||' for 'or'", 19),
        ('ad.market = "DE"', "syntax error: token recognition error at: '= '; write '==' to compare", 11),
        (
            'ad.market == "DE',
            "syntax error: token recognition error at: '\"DE'; close the text with a second quotation mark",
            14,
        ),
        ("landing.valid & true", "syntax error: token recognition error at: '& '; write '&&' for 'and'", 15),
        ("True", "'True' is not a variable or function of conditions; write 'true'", 1),
        ("ad.language == nil", "'nil' is not a variable or function of conditions; write 'null'", 16),
        ("ad.market == null", "'==' does not work on string and null_type; it is never null: compare it with ''", 11),
        (
            '"DE" in ad.market',
            '\'in\' does not work on string and string; write a list such as ["DE", "FR"] on the right',
            6,
        ),
        (
            "ad.price > 3.0",
            "'ad.price' is not a variable or function of conditions; known are ad.vertical, ad.market, ad.product, ad.language, ad.attributes; a field of your own is ad.attributes.price",
            3,
        ),
        (
            "price > 3.0",
            "'price' is not a variable or function of conditions; known are ad.*, advertiser.*, advertiser_hits, host_hits, landing.*, regex_hits, scores, term_hits",
            1,
        ),
        (
            'term_hit.exists(t, t == "x")',
            "'term_hit' is not a variable or function of conditions; did you mean 'term_hits'?",
            1,
        ),
        ("'\ud800' == ad.market", "", 1),
    ],
)
def test_conditions_that_cannot_be_compiled(text: str, error: str, column: int) -> None:
    """The error says what is wrong, where, and what to write."""
    with pytest.raises(ConditionError) as caught:
        compile_condition(text)
    assert str(caught.value).startswith(error)
    assert caught.value.column == column


def test_a_failing_condition_spoils_no_other() -> None:
    """One that fails on an ad is None and can be explained; its neighbours keep their values."""
    compiled = CompiledConditions(["ad.market == 'DE'", "ad.attributes.none > 3", "ad.market == 'FR'", "1 / 0 == 1"])
    at = situation()
    assert compiled.evaluate(at) == [True, None, False, None]
    assert "none" in compiled.explain_failure(1, at)
    assert "zero" in compiled.explain_failure(3, at)


def test_values_do_not_leak_from_one_ad_to_the_next() -> None:
    """A failure on one ad leaves the next one alone."""
    compiled = CompiledConditions(["ad.attributes.n > 3"])
    values = [
        compiled.evaluate(situation(attributes=a))
        for a in ({"n": 5}, {"n": "x"}, {"n": None}, {}, {"n": 5.5}, {"n": True})
    ]
    assert values == [[True], [None], [None], [None], [True], [None]]


def test_a_comment_ends_with_its_line() -> None:
    """Conditions are compiled as one list; a comment in one must not swallow the next."""
    assert CompiledConditions(["true // yes", "false"]).evaluate(situation()) == [True, False]


def test_nested_loops_end() -> None:
    """A condition that loops in loops runs into its budget and fails, instead of holding the worker up."""
    loops = "[1,2,3,4,5,6,7,8,9,10]"
    text = "true"
    for name in "abcdefgh":
        text = f"{loops}.all({name}, {text})"
    assert CompiledConditions([text]).evaluate(situation()) == [None]


def test_no_conditions() -> None:
    """A strategy without conditions has nothing to evaluate."""
    assert CompiledConditions([]).evaluate(situation()) == []


@pytest.mark.parametrize(
    ("created_at", "age_days"),
    [("2026-01-31T00:00:00Z", 1.0), ("2026-01-31T12:00:00+00:00", 0.5), ("2027-01-01T00:00:00Z", 0.0), (None, -1.0)],
)
def test_age_counts_from_the_time_of_the_decision(created_at: str | None, age_days: float) -> None:
    """An account of the future is new; one without a date is younger than any."""
    advertiser = {"id": "a", "created_at": created_at}
    assert FACTS["advertiser.age_days"].read(situation(advertiser=advertiser)) == age_days


def test_unknown_fields_have_empty_values() -> None:
    """What an advertiser need not say reads as an empty text."""
    at = situation(advertiser={"id": "a"}, language=None, creative={})
    assert [FACTS[name].read(at) for name in ("advertiser.country", "advertiser.trust_tier", "ad.language", "landing.given")] == [
        "", "unknown", "", False,
    ]  # fmt: skip
