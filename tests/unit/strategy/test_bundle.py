# ruff: noqa: E501, ISC004 - a case is read as a line
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.contracts.decision import Outcome, View
from service.contracts.submission import Submission
from service.rules import AdView
from service.strategy import Bundle, RuleResult, StrategyError, check_labels, load_bundle
from tests.ads import make_ad
from tests.unit.strategy.conftest import STRATEGY, MakeBundle, WriteBundle

NOW = datetime(2026, 2, 1, tzinfo=UTC)
LABELS = ("gambling", "scam_fraud")


def submit(**changes: Any) -> Submission:  # noqa: ANN401 - any JSON value
    return Submission.model_validate(make_ad(**changes))


def evaluate(bundle: Bundle, *submissions: Submission, as_of: datetime = NOW) -> list[list[RuleResult]]:
    strategy = bundle.strategy_for(submissions[0], as_of)
    return strategy.evaluate_rules([AdView(s) for s in submissions], [{}] * len(submissions), as_of)


def test_a_plain_hit_takes_the_action_and_shows_its_evidence(make_bundle: MakeBundle) -> None:
    """Rule, policy, outcome, and the span in the original with the list's entry."""
    [[result]] = evaluate(make_bundle(), submit(creative={"headline": "Sale", "body": "Our Online  Casino"}))
    assert (result.rule, result.policy, result.outcome) == ("casino-words", "gambling", Outcome.REJECT)
    assert [(e.field, e.start, e.end, e.excerpt, e.view, e.matched) for e in result.evidence] == [
        ("creative.body", 4, 18, "Online  Casino", View.BASE, "terms/casino: online casino"),
        ("creative.body", 12, 18, "Casino", View.BASE, "terms/casino: casino"),
    ]


@pytest.mark.parametrize(
    ("body", "outcome"), [("c4sino", Outcome.REVIEW), ("сasino", Outcome.REJECT), ("casino c4sino", Outcome.REJECT)]
)
def test_a_hit_in_the_squeezed_view_alone_takes_the_evasion_action(
    body: str, outcome: Outcome, make_bundle: MakeBundle
) -> None:
    """The squeezed view guesses, so its hits may be treated apart; look-alikes do not guess."""
    [[result]] = evaluate(make_bundle(), submit(creative={"body": body}))
    assert result.outcome is outcome


def test_fields_and_views_can_be_chosen(make_bundle: MakeBundle) -> None:
    """A rule that looks in the headline's base view sees nothing else."""
    bundle = make_bundle(("default.yaml", "{terms: casino}", "{terms: casino, in: headline, views: base}"))
    fired = evaluate(
        bundle,
        submit(creative={"headline": "casino"}),
        submit(creative={"body": "casino"}),
        submit(creative={"headline": "c4sino"}),
    )
    assert [bool(results) for results in fired] == [True, False, False]


def test_conditions_and_a_match_must_both_hold(make_bundle: MakeBundle) -> None:
    """A rule with both fires only where both do."""
    bundle = make_bundle(
        ("default.yaml", "    match: {terms: casino}", "    when: ['ad.market == \"DE\"']\n    match: {terms: casino}")
    )
    creative = {"body": "casino"}
    fired = evaluate(bundle, submit(creative=creative), submit(creative=creative, market="FR"), submit())
    assert [bool(results) for results in fired] == [True, False, False]


def test_a_listed_host_hits(make_bundle: MakeBundle) -> None:
    """Hosts are looked for only where the rule says."""
    fired = evaluate(
        make_bundle(),
        submit(creative={"landing_url": "https://a.evil.example"}),
        submit(creative={"body": "evil.example"}),
    )
    assert [[result.rule for result in results] for results in fired] == [["blocked"], []]


def test_age_counts_from_as_of(make_bundle: MakeBundle) -> None:
    """The same ad replayed later finds an older account."""
    bundle = make_bundle()
    young = submit(advertiser={"id": "a", "created_at": "2026-01-30T00:00:00Z"})
    assert [result.rule for result in evaluate(bundle, young)[0]] == ["young"]
    assert evaluate(bundle, young, as_of=datetime(2026, 3, 1, tzinfo=UTC)) == [[]]


def test_a_rule_that_fails_is_a_result_and_spares_the_others(make_bundle: MakeBundle) -> None:
    """An attribute of an unexpected type fails one rule on one ad, visibly; the next rule still fires."""
    bundle = make_bundle(
        (
            "default.yaml",
            'has(ad.attributes.licence) && ad.attributes.licence == "MGA-1"',
            "has(ad.attributes.n) && ad.attributes.n > 3",
        )
    )
    young = {"id": "a", "created_at": "2026-01-30T00:00:00Z"}
    [results] = evaluate(bundle, submit(attributes={"n": "three"}, advertiser=young))
    assert [(r.rule, r.outcome, bool(r.failure)) for r in results] == [
        ("young", Outcome.REVIEW, False),
        ("licensed", Outcome.REVIEW, True),
    ]


def test_neighbours_do_not_matter(make_bundle: MakeBundle) -> None:
    """An ad gets the same results alone, in a batch, in another order, and again."""
    bundle = make_bundle()
    ads = [
        submit(creative={"body": body}, attributes=attributes)
        for body in ("casino", "c.a.s.i.n.o", "shoes", "\ufffd\0", "саsino online", "")
        for attributes in ({}, {"licence": "MGA-1"}, {"licence": None}, {"licence": 5})
    ]
    alone = [evaluate(bundle, ad)[0] for ad in ads]
    assert evaluate(bundle, *ads) == alone
    assert evaluate(bundle, *reversed(ads)) == list(reversed(alone))
    assert evaluate(make_bundle(), *ads) == alone


def test_the_most_specific_scope_applies(make_bundle: MakeBundle) -> None:
    """Market before vertical before product; one value before several before any."""
    scopes = {
        "m": "{market: NO}", "ms": "{market: [NO, SE]}", "v": "{vertical: retail}", "mv": "{market: SE, vertical: retail}",
        "p": "{product: feed}",
    }  # fmt: skip
    files = {
        f"{name}.yaml": STRATEGY.replace("id: default", f"id: {name}").replace(
            "{vertical: any, market: any, product: any}", scope
        )
        for name, scope in scopes.items()
    }
    bundle = make_bundle(files=files)
    ads = [("NO", "retail"), ("SE", "retail"), ("SE", "travel"), ("DE", "retail"), ("DE", "travel")]
    chosen = [bundle.strategy_for(submit(market=market, vertical=vertical), NOW).id for market, vertical in ads]
    assert chosen == ["m", "mv", "ms", "v", "p"]
    assert bundle.strategy_for(submit(market="DE", vertical="travel", product="search"), NOW).id == "default"


def test_the_hash_is_over_all_files(write_bundle: WriteBundle) -> None:
    """The same files give the same hash; one more entry or a renamed list another."""
    first = load_bundle(write_bundle()).sha256
    assert load_bundle(write_bundle()).sha256 == first
    more = load_bundle(write_bundle(("lists/terms/casino.txt", "casino\n", "casino\nroulette\n"))).sha256
    assert len({first, more}) == 2


def test_a_bundle_cannot_be_changed(make_bundle: MakeBundle) -> None:
    """Whoever holds a bundle holds what its hash says."""
    bundle = make_bundle()
    with pytest.raises(TypeError):
        bundle.policies["new"] = bundle.policies["gambling"]  # type: ignore[index]
    with pytest.raises(ValidationError):
        bundle.policies["gambling"].title = "x"


def test_labels_that_fit(make_bundle: MakeBundle) -> None:
    """Each label has thresholds and each threshold a label."""
    check_labels(make_bundle(), LABELS)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            (*LABELS, "weapon"),
            "strategy 'default':1:1: the classifier scores 'weapon', which is no policy; known are gambling, scam_fraud",
        ),
        (
            ("gambling",),
            "strategy 'default':1:1: thresholds.scam_fraud exists, but the classifier has no such label; "
            "remove it; cover the policy by rules",
        ),
    ],
)
def test_labels_that_do_not_fit(labels: tuple[str, ...], message: str, make_bundle: MakeBundle) -> None:
    """A classifier and a strategy of different minds stop the worker with a clear text."""
    with pytest.raises(StrategyError) as caught:
        check_labels(make_bundle(), labels)
    assert str(caught.value) == message


def test_a_label_without_thresholds(make_bundle: MakeBundle) -> None:
    """A policy that the classifier scores and the strategy ignores would be a silent approval."""
    bundle = make_bundle(("default.yaml", "  scam_fraud: {approve_below: 0.3, reject_above: 0.8}\n", ""))
    with pytest.raises(StrategyError, match=r"scores 'scam_fraud', which has no thresholds; add thresholds.scam_fraud"):
        check_labels(bundle, LABELS)


def test_comments_and_blank_lines_are_no_entries(make_bundle: MakeBundle) -> None:
    """A comment ends an entry only behind a blank; a byte order mark is no part of one."""
    bundle = make_bundle(files={"lists/terms/casino.txt": "\ufeffpoker # cards\n\n#casino\n  black#jack  \r\n"})
    fired = evaluate(bundle, *(submit(creative={"body": body}) for body in ("poker", "casino", "black#jack", "cards")))
    assert [bool(results) for results in fired] == [True, False, True, False]


def test_markets_called_no_are_texts(make_bundle: MakeBundle) -> None:
    """Norway is no truth value."""
    norway = STRATEGY.replace("market: any", "market: NO").replace("id: default", "id: norway")
    assert make_bundle(files={"norway.yaml": norway}).strategy_for(submit(market="NO"), NOW).id == "norway"


def test_an_empty_directory_of_lists_is_fine(tmp_path: Path, make_bundle: MakeBundle) -> None:
    """A bundle may do without lists."""
    (tmp_path / "bundle" / "lists").mkdir(parents=True)
    assert make_bundle().version == "7"
