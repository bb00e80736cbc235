"""Rules that raise or lower a score: how they add up, where they stop, and what a reason tells."""

import pytest

from service.contracts.decision import Outcome, Source
from service.strategy import Policy, RuleResult, Ruling, Signals
from service.strategy.ruling import Judge
from service.strategy.schema import Ground, Threshold

APPROVE, REVIEW, REJECT = Outcome.APPROVE, Outcome.REVIEW, Outcome.REJECT


def policy(*, rules_may_approve: bool) -> Policy:
    return Policy(
        title="T",
        ground=Ground(kind="terms", reference="1"),
        message="M",
        harm_weight=2.0,
        review_sla_minutes=60,
        rules_may_approve=rules_may_approve,
    )


POLICIES = {"spam": policy(rules_may_approve=True), "drugs": policy(rules_may_approve=False)}
JUDGE = Judge(POLICIES, {name: Threshold(approve_below=0.4, reject_above=0.9) for name in POLICIES}, 240)


def shift(by: float, rule: str = "r", of: str = "spam") -> RuleResult:
    return RuleResult(rule, of, APPROVE, shift=by)


def decide(scores: dict[str, float] | None, *results: RuleResult) -> Ruling:
    return JUDGE.decide(Signals(scores, results))


def explain(ruling: Ruling) -> list[str]:
    return [reason.detail for reason in ruling.reasons if reason.source is Source.MODEL]


@pytest.mark.parametrize(
    ("score", "shifts", "outcome"),
    [
        (0.3, (0.1,), REVIEW),
        (0.3, (0.05,), APPROVE),
        (0.5, (-0.2,), APPROVE),
        (0.95, (-0.1,), REVIEW),
        (0.1, (0.1, 0.2), REVIEW),
        (0.5, (0.3, -0.3), REVIEW),
        (0.8, (1.0,), REJECT),
        (0.3, (-1.0,), APPROVE),
        (0.0, (1.0,), REJECT),
    ],
)
def test_shifts_add_up_within_zero_and_one(score: float, shifts: tuple[float, ...], outcome: Outcome) -> None:
    """The score is judged as if it were higher or lower; 0.1 + 0.1 + 0.2 reaches 0.4."""
    ruling = decide({"spam": score}, *(shift(by, f"r{number}") for number, by in enumerate(shifts)))
    assert ruling.outcome is outcome


def test_the_reason_keeps_the_score_and_tells_what_was_added() -> None:
    """An auditor sees what the classifier said, what was added, by which rule, and the threshold."""
    ruling = decide({"spam": 0.35}, shift(0.3, "new-account"), shift(-0.1, "known-brand"))
    reason = next(reason for reason in ruling.reasons if reason.source is Source.MODEL)
    assert (reason.score, reason.threshold, reason.outcome) == (0.35, 0.4, REVIEW)
    assert reason.detail == "judged as 0.55: 0.35 + 0.3 (new-account) - 0.1 (known-brand)"
    told = {reason.id: reason.detail for reason in ruling.reasons if reason.source is Source.RULE}
    assert told["new-account"] == "raises the score of spam by 0.3: 0.35 is judged as 0.55"
    assert told["known-brand"] == "lowers the score of spam by 0.1: 0.35 is judged as 0.55"


def test_the_queue_is_sorted_by_what_a_score_is_judged_as() -> None:
    """A raised score is a likelier violation."""
    assert decide({"spam": 0.5}, shift(0.3)).priority == 1.6
    assert decide({"spam": 0.5}, shift(0.3)).suggested_outcome is REJECT


def test_lowering_never_approves_what_no_rule_may_approve() -> None:
    """A rejection of such a policy may become a review, no more; the reason says why."""
    ruling = decide({"drugs": 0.95}, shift(-1.0, of="drugs"))
    assert ruling.outcome is REVIEW
    assert explain(ruling) == ["judged as 0.4: 0.95 - 1 (r); not lower, since no rule may approve this policy"]
    assert decide({"drugs": 0.3}, shift(-0.2, of="drugs")).outcome is APPROVE
    assert decide({"spam": 0.95}, shift(-1.0)).outcome is APPROVE


def test_a_shift_touches_its_own_policy_alone() -> None:
    """And it takes back nothing, as an approving rule would."""
    ruling = decide({"spam": 0.5, "drugs": 0.5}, shift(-0.2))
    assert [reason.policy for reason in ruling.reasons if reason.outcome is REVIEW] == ["drugs"]
    assert decide({"spam": 0.95}, shift(0.0001)).outcome is REJECT


def test_an_approving_rule_is_stronger_than_a_raising_one() -> None:
    """What is taken back stays taken back."""
    assert decide({"spam": 0.5}, shift(0.5), RuleResult("ok", "spam", APPROVE)).outcome is APPROVE


def test_without_a_score_there_is_nothing_to_move() -> None:
    """The ad goes to review because the classifier gave nothing; the rule is told all the same."""
    ruling = decide(None, shift(-0.9))
    assert ruling.outcome is REVIEW
    assert [r.detail for r in ruling.reasons if r.id == "r"] == ["lowers the score of spam by 0.9, but there is none"]


def test_a_failing_shift_moves_nothing() -> None:
    """A rule that failed did not fire."""
    assert decide({"spam": 0.5}, shift(-0.4)._replace(failure="broke")).outcome is REVIEW
