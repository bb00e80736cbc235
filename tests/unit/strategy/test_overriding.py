"""What a narrower strategy may change of a broader one's rules and policies, and mistakes that only layers make."""

# ruff: noqa: E501 - an error stands as it is read, on one line where it can

from datetime import UTC, datetime
from typing import Any

import pytest

from service.contracts.decision import Outcome
from service.contracts.submission import Submission
from service.rules import AdView
from service.strategy import Bundle, Ruling, Signals, StrategyError, compile_bundle
from tests.ads import make_ad
from tests.layered import NARROW
from tests.unit.strategy.conftest import FILES

NOW = datetime(2026, 2, 1, tzinfo=UTC)
HEAD = "id: gb\nowner: o\ndescription: d\nscope: {market: GB}\n"
CASINO: dict[str, Any] = {"creative": {"body": "casino"}}
YOUNG = {"id": "a", "created_at": "2026-01-30T00:00:00Z"}


def make(narrow: str = NARROW, **more: str) -> Bundle:
    files = {**FILES, "gb.yaml": narrow, **{name.replace("_", "/") + ".yaml": text for name, text in more.items()}}
    return compile_bundle({name: text.encode() for name, text in files.items()})


def judge(bundle: Bundle, scores: dict[str, float] | None = None, **changes: Any) -> Ruling:  # noqa: ANN401 - JSON
    submission = Submission.model_validate(make_ad(**{"market": "GB", **changes}))
    strategy = bundle.strategy_for(submission, NOW)
    [results] = strategy.evaluate_rules([AdView(submission)], [scores or {}], NOW)
    return strategy.decide(Signals(scores or {}, results))


def fail(narrow: str) -> list[str]:
    with pytest.raises(StrategyError) as caught:
        make(narrow)
    return str(caught.value).split("\n")


def test_given_fields_replace_and_others_stay() -> None:
    """The broader rule's match and policy, the narrower one's action; elsewhere all is as it was."""
    bundle, casino = make(), CASINO
    assert judge(bundle, **casino).outcome is Outcome.REVIEW
    assert judge(bundle, **casino, market="FR").outcome is Outcome.REJECT
    strategy = bundle.strategy_of(("GB", "x", "y"), NOW)
    rule = next(rule for rule in strategy.rule_set.rules if rule.id == "casino-words")
    assert (rule.policy, rule.evasion_action, rule.match and rule.match.terms) == ("gambling", None, ("casino",))


def test_a_condition_can_be_replaced_and_taken_away() -> None:
    """`when: []` leaves the match alone to decide."""
    base = (
        HEAD
        + "rules:\n  - id: both\n    policy: gambling\n    when: ad.product == 'search'\n    match: {terms: casino}\n    action: reject\n"
    )
    narrow = HEAD.replace("id: gb", "id: gb-retail").replace("market: GB", "market: GB, vertical: retail")
    bundle = make(base, retail=narrow + "rules: [{id: both, when: []}, {id: casino-words, enabled: false}]\n")
    casino = CASINO
    assert [reason.id for reason in judge(bundle, **casino).reasons] == ["both"]
    assert [reason.id for reason in judge(bundle, **casino, vertical="travel").reasons] == ["casino-words"]


def test_a_rule_can_be_given_other_lists() -> None:
    """The conditions of the broader rule are then asked after a hit of the narrower one's list."""
    base = (
        HEAD
        + "rules:\n  - id: both\n    policy: gambling\n    when: ad.product == 'feed'\n    match: {terms: casino}\n    action: reject\n"
    )
    narrow = HEAD.replace("id: gb", "id: gb-retail").replace("market: GB", "market: GB, vertical: retail")
    bundle = make(base, retail=narrow + "rules: [{id: both, match: {hosts: blocked}}]\n")
    evil: dict[str, Any] = {"creative": {"body": "shoes", "landing_url": "https://evil.example/"}}
    assert "both" in {reason.id for reason in judge(bundle, **evil).reasons}
    assert "both" not in {reason.id for reason in judge(bundle, **evil, vertical="travel").reasons}


def test_a_rule_that_is_switched_off_neither_fires_nor_fails() -> None:
    """Even if its condition would fail on the ad."""
    bundle = make()
    assert [reason.id for reason in judge(bundle, advertiser=YOUNG, product="story").reasons] == []
    assert [reason.id for reason in judge(bundle, advertiser=YOUNG, market="FR").reasons] == ["young"]


def test_a_policy_s_message_weight_and_time_may_differ() -> None:
    """The queue and the advertiser see what the narrower strategy says; the rest is bundle.yaml's."""
    narrow = HEAD + "policies:\n  gambling: {message: Ask the UKGC., harm_weight: 8.0, review_sla_minutes: 5}\n"
    bundle = make(narrow)
    there, elsewhere = (judge(bundle, {"gambling": 0.5}, market=market) for market in ("GB", "FR"))
    assert (there.messages[0].text, there.priority, there.review_sla_minutes) == ("Ask the UKGC.", 4.0, 5)
    assert (elsewhere.messages[0].text, elsewhere.priority) == ("Gambling needs a licence.", 1.0)
    assert bundle.strategy_of(("GB", "x", "y"), NOW).policies["gambling"].title == "Gambling"


def test_raised_in_one_market_alone() -> None:
    """A rule of the narrower strategy raises what the classifier says, and the reason tells it."""
    bundle, casino = make(), CASINO
    ruling = judge(bundle, {"scam_fraud": 0.2}, **casino)
    assert {reason.id: reason.detail for reason in ruling.reasons}["gb-only"] == (
        'raises the score of scam_fraud by 0.2: 0.2 is judged as 0.4; "casino" in term_hits'
    )
    assert "stage_a" in {reason.id for reason in ruling.reasons}


@pytest.mark.parametrize(("on_failure", "outcome"), [("review", Outcome.REVIEW), ("keep", Outcome.APPROVE)])
def test_a_failing_condition_is_told_whatever_the_strategy_makes_of_it(on_failure: str, outcome: Outcome) -> None:
    """`keep` leaves the ad its outcome, with the reason in the decision; nothing is silent."""
    rule = f"rules: [{{id: odd, policy: gambling, when: 'has(ad.attributes.n) && ad.attributes.n > 3', action: reject, on_failure: {on_failure}}}]\n"
    ruling = judge(make(HEAD + rule), attributes={"n": "three"})
    [reason] = ruling.reasons
    assert (ruling.outcome, reason.outcome, reason.id) == (outcome, outcome, "rule_failed:odd")
    assert reason.detail.startswith("its strategy lets the ad keep its outcome: " if on_failure == "keep" else "")
    assert "overload" in reason.detail.lower()


MISTAKES: dict[str, tuple[str, list[str]]] = {
    "override of nothing": (
        "rules: [{id: casino-word, action: review}]",
        ["gb.yaml:5:14: rule 'casino-word' has no 'policy', and no broader strategy has this rule; did you mean 'casino-words'?"],
    ),
    "new rule without an action": (
        "rules: [{id: brand-new, policy: gambling, when: 'true'}]",
        ["gb.yaml:5:14: rule 'brand-new' has no 'action', and no broader strategy has this rule; add 'action'"],
    ),
    "switched off what does not exist": (
        "rules: [{id: yuong, enabled: false}]",
        ["gb.yaml:5:14: rule 'yuong' is switched off, but no broader strategy has it; did you mean 'young'?"],
    ),
    "approval through an override": (
        "rules: [{id: young, action: approve}]",
        ["gb.yaml:5:29: policy 'scam_fraud' does not let a rule approve; use review, or set rules_may_approve in bundle.yaml"],
    ),
    "nothing left to ask": (
        "rules: [{id: young, when: []}]",
        ["gb.yaml:5:9: rule 'young' has neither 'when' nor 'match'; add one, else it always fires"],
    ),
    "evasion that lost its terms": (
        "rules: [{id: casino-words, match: {hosts: blocked}}]",
        ["default.yaml:13:5: evasion_action only works with a match of terms; remove it, or add match.terms"],
    ),
    "thresholds out of order across files": (
        "thresholds: {gambling: {approve_below: 0.95}}",
        ["gb.yaml:5:40: approve_below 0.95 is above reject_above 0.9 of default.yaml:6:48; give approve_below the smaller number"],
    ),
    "the other way round": (
        "thresholds: {gambling: {reject_above: 0.2}}",
        ["gb.yaml:5:39: reject_above 0.2 is below approve_below 0.4 of default.yaml:6:29; give approve_below the smaller number"],
    ),
    "raise without by": (
        "rules: [{id: young, action: raise}]",
        ["gb.yaml:5:29: action raise does not say how far; add 'by: 0.2'"],
    ),
    "by without raise": (
        "rules: [{id: young, by: 0.5}]",
        ["gb.yaml:5:21: 'by' means nothing with action review; remove it, or use raise or lower"],
    ),
    "override of an unknown policy": (
        "policies: {gamblng: {harm_weight: 1.0}}",
        ["gb.yaml:5:12: unknown policy 'gamblng'; did you mean 'gambling'?"],
    ),
    "a time without a zone": (
        "effective: {from: 2026-11-01T00:00:00}",
        ["gb.yaml:5:19: effective.from: input should have timezone info; write a time with its zone, such as 2026-11-01T00:00:00Z"],
    ),
    "a date alone": (
        "effective: {until: 2026-11-01}",
        ["gb.yaml:5:20: effective.until: input should have timezone info; write a time with its zone, such as 2026-11-01T00:00:00Z"],
    ),
    "the end before the start": (
        "effective: {from: 2026-11-01T00:00:00Z, until: 2026-10-01T00:00:00Z}",
        ["gb.yaml:5:12: effective: 'until' is not after 'from', so it never applies; give 'until' the later time"],
    ),
    "no that is meant as false": (
        "rules: [{id: young, enabled: no}]",
        ["gb.yaml:5:30: rules.0.enabled: input should be a valid boolean; write true or false"],
    ),
    "in of advertisers": (
        "rules: [{id: young, match: {advertisers: known, in: [body]}}]",
        [
            "gb.yaml:5:42: unknown list lists/advertisers/known.txt; none exists yet",
            "gb.yaml:5:49: 'in' means nothing for advertisers; remove it",
        ],
    ),
    "brackets without end": (
        "rules: " + "[" * 3_000,
        ["gb.yaml:1:1: not YAML: values are nested too deeply; nest less"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("part", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_where_it_is_written(part: str, told: list[str]) -> None:
    """Whatever layers it takes to make it."""
    assert fail(HEAD + part + "\n") == told


def test_aliases_that_stand_for_more_than_memory_holds_are_refused() -> None:
    """Ten aliases of ten aliases of ten ... are few bytes and many values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert fail(HEAD + "\n".join(lines)) == ["gb.yaml:1:1: not YAML: more than 100,000 values; mend the YAML"]


def test_a_score_that_nobody_gives_cannot_be_moved() -> None:
    """A policy without thresholds has no score; naming one is a mistake of that layering alone."""
    bundle = FILES["bundle.yaml"] + FILES["bundle.yaml"].split("policies:\n")[1].split("  scam_fraud:")[0].replace(
        "gambling:", "fakes:"
    )
    files = {
        **FILES,
        "bundle.yaml": bundle,
        "gb.yaml": HEAD + "rules: [{id: young, policy: fakes, action: raise, by: 0.1}]\n",
    }
    with pytest.raises(StrategyError) as caught:
        compile_bundle({name: text.encode() for name, text in files.items()})
    assert str(caught.value) == (
        "gb.yaml:5:44: policy 'fakes' has no score that could be moved: no strategy here gives it thresholds; "
        "use review or reject, or add thresholds"
    )


def test_switching_off_where_the_rule_exists_only_for_some_ads_is_fine() -> None:
    """There is nothing to switch off for the others."""
    gambling = HEAD.replace("id: gb", "id: vertical").replace("market: GB", "vertical: gambling")
    narrow = HEAD + "rules: [{id: there, enabled: false}]\n"
    base = gambling + "rules: [{id: there, policy: gambling, when: 'true', action: review}]\n"
    bundle = make(narrow, vertical=base)
    assert judge(bundle, vertical="gambling").reasons == ()
    assert [reason.id for reason in judge(bundle, vertical="gambling", market="FR").reasons] == ["there"]


def test_changing_a_rule_that_exists_only_for_some_ads_is_an_error() -> None:
    """For the others the change is no whole rule."""
    gambling = HEAD.replace("id: gb", "id: vertical").replace("market: GB", "vertical: gambling")
    base = gambling + "rules: [{id: there, policy: gambling, when: 'true', action: review}]\n"
    with pytest.raises(StrategyError) as caught:
        make(HEAD + "rules: [{id: there, action: reject}]\n", vertical=base)
    assert str(caught.value) == (
        "gb.yaml:5:14: rule 'there' has no 'policy' here: for some ads no broader strategy has this rule; "
        "add 'policy', or widen the strategy that has the rule"
    )
