"""A block of ads becomes counts, whichever way the ads are cut."""

from collections.abc import Callable
from datetime import datetime

import pytest

from service.answer import LiveBundle
from service.backtest.contest import Contest, judge
from service.backtest.deciding import decide_block, read_record
from service.backtest.tally import Arm, Found, Tally
from service.backtest.verdicts import Verdicts, no_verdicts
from service.contracts.decision import Outcome
from service.moderate import moderate
from tests.moderating import SMALL_STRATEGY, make_classifier
from tests.unit.backtest.conftest import NOW, STRICT_STRATEGY, make_bundle, make_contest, mix, record

AGE_STRATEGY = SMALL_STRATEGY.replace(
    "has(ad.attributes.discount) && double(ad.attributes.discount) > 80.0", "advertiser.age_days < 7.0"
)


def _merge(size: int, contest: Contest, count: int = 300) -> Tally:
    total, ads = Tally(), mix(count)
    for start in range(0, count, size):
        total.merge(decide_block(ads[start : start + size], contest))
    return total


def test_outcomes_are_the_workers(judge_verdicts: Callable[..., Verdicts]) -> None:
    """Each ad has the outcome and the reasons that `moderate` gives it, under both bundles; evidence apart."""
    contest = make_contest()
    received = [read_record(one) for one in mix(60) if one.value != b"{oops"]
    cases = list(judge(received, contest))
    for name, bundle in (("before", contest.baseline), ("after", contest.candidate)):
        assert bundle is not None
        for case, item in zip(cases, received, strict=True):
            (expected,) = moderate([item], bundle, item.submission.submitted_at)
            judged = getattr(case, name)
            assert judged.ruling.outcome is expected.decision.outcome
            assert [reason.model_copy(update={"evidence": ()}) for reason in expected.decision.reasons] == [
                reason.model_copy(update={"evidence": ()}) for reason in judged.ruling.reasons
            ]
            assert (judged.scores or {}) == expected.decision.scores


def test_counts_do_not_depend_on_the_cutting() -> None:
    """One ad at a time, some, or all at once."""
    contest = make_contest()
    one, some, whole = (_merge(size, contest) for size in (1, 7, 300))
    for other in (some, whole):
        for name in ("ads", "earliest", "latest", "unreadable", "told", "moves", "violating", "arms"):
            assert getattr(one, name) == getattr(other, name)
        assert one.stricter.ranked == other.stricter.ranked
        for dimension, values in one.slices.items():
            assert {name: cells.counts for name, cells in values.items()} == {
                name: cells.counts for name, cells in other.slices[dimension].items()
            }
    assert one.ads == 300 - one.unreadable.total()
    assert len(one.told) == 20


def test_moved_ads_are_counted_by_the_stricter_decisions_policy() -> None:
    """Poker goes from review to reject under the strict bundle, and nothing else does."""
    tally = decide_block([record("poker", 1), record("shoes", 2), record("casino", 3)], make_contest())
    assert dict(tally.moves) == {("gambling", Outcome.REVIEW, Outcome.REJECT): 1}
    assert [ad.offset for ad in tally.stricter.ads] == [1]
    assert tally.looser.ads == []


def test_leakage_overkill_and_precision_need_verdicts(judge_verdicts: Callable[..., Verdicts]) -> None:
    """A clean ad that is rejected, a violating one that is approved, a rule that was right once of twice."""
    verdicts = judge_verdicts(
        {"ad_id": "ad-1", "violates": False},
        {"ad_id": "ad-2", "violates": True, "policies": ["scam_fraud"]},
        {"ad_id": "ad-3", "violates": True, "policies": ["gambling"]},
    )
    ads = [record("casino", 1), record("shoes", 2), record("casino", 3), record("casino", 4)]
    tally = decide_block(ads, make_contest(verdicts))
    arm = tally.arms[Arm.CANDIDATE]
    assert dict(arm.rejected) == {"gambling": 3}
    assert dict(arm.overkilled) == {"gambling": 1}
    assert dict(arm.leaked) == {"scam_fraud": 1}
    assert dict(tally.violating) == {"gambling": 1, "scam_fraud": 1}
    rule = ("casino-words", "gambling")
    assert (arm.hits[rule], arm.alone[rule], arm.judged[rule], arm.right[rule]) == (3, 3, 2, 1)
    assert tally.slices["all"]["all"].count((Found.CLEAN,)) == 1


def test_a_rule_beside_another_reason_does_not_decide_alone() -> None:
    """The classifier rejects a lottery in a casino as well."""
    arm = decide_block([record("lottery casino", 1)], make_contest()).arms[Arm.CANDIDATE]
    rule = ("casino-words", "gambling")
    assert (arm.hits[rule], arm.alone[rule]) == (1, 0)


def test_each_ad_is_decided_as_of_its_submission_or_at_the_time_that_is_named() -> None:
    """An advertiser of three days at the submission is years old at a later time."""
    young = record("shoes", 1, advertiser={"id": "a", "created_at": "2026-01-28T00:00:00Z"})
    bundle = make_bundle(AGE_STRATEGY)

    def decide(as_of: datetime | None) -> Outcome:
        (case,) = judge([read_record(young)], Contest(bundle, None, no_verdicts(), as_of))
        return case.after.ruling.outcome

    assert decide(None) is Outcome.REVIEW
    assert decide(NOW.replace(year=2028)) is Outcome.APPROVE


def test_what_fails_on_an_ad_is_a_review_and_is_counted() -> None:
    """The classifier fails on one text: that ad goes to review with a reason, its neighbours keep their scores."""
    strategies = make_bundle().strategies
    bundle = LiveBundle(strategies, make_classifier({"lottery": (0.95, 0.0)}, poison="cursed"))
    ads = [record("cursed", 1), record("lottery", 2)]
    tally = decide_block(ads, Contest(bundle, None, no_verdicts()))
    assert dict(tally.arms[Arm.CANDIDATE].parts_failed) == {"classifier_failed": 1}
    cells = tally.slices["all"]["all"]
    assert (cells.count(after=Outcome.REVIEW), cells.count(after=Outcome.REJECT)) == (1, 1)


def test_without_a_baseline_nothing_moves() -> None:
    """Both arms are the candidate's."""
    tally = decide_block([record("poker", 1)], make_contest(compared=False))
    assert not tally.moves
    assert tally.arms[Arm.BASELINE] == tally.arms[Arm.CANDIDATE]


@pytest.mark.parametrize("strategy", [SMALL_STRATEGY, STRICT_STRATEGY])
def test_the_test_bundles_differ_where_they_should(strategy: str) -> None:
    """The fixtures hold what the tests above count on."""
    (case,) = judge([read_record(record("poker", 1))], Contest(make_bundle(strategy), None, no_verdicts()))
    assert case.after.ruling.outcome is (Outcome.REVIEW if strategy == SMALL_STRATEGY else Outcome.REJECT)
