import pytest

from service.contracts.decision import Outcome, Source
from service.strategy import Failure, Policy, RuleResult, Ruling, Signals
from service.strategy.ruling import Judge
from service.strategy.schema import Ground, Threshold

APPROVE, REVIEW, REJECT = Outcome.APPROVE, Outcome.REVIEW, Outcome.REJECT


def policy(harm_weight: float, review_sla_minutes: int) -> Policy:
    ground = Ground(kind="terms", reference="1")
    return Policy(
        title="T", ground=ground, message="M", harm_weight=harm_weight, review_sla_minutes=review_sla_minutes
    )  # fmt: skip


POLICIES = {"spam": policy(0.5, 1440), "drugs": policy(5.0, 60)}
JUDGE = Judge(POLICIES, {name: Threshold(approve_below=0.4, reject_above=0.9) for name in POLICIES}, 240)


def decide(spam: float = 0.0, drugs: float = 0.0, *results: RuleResult, failures: tuple[Failure, ...] = ()) -> Ruling:
    return JUDGE.decide(Signals({"spam": spam, "drugs": drugs}, results, failures))


def fire(rule_policy: str, outcome: Outcome, rule: str = "r", failure: str = "") -> RuleResult:
    return RuleResult(rule, rule_policy, outcome, failure=failure)


@pytest.mark.parametrize(
    ("score", "outcome", "threshold"),
    [
        (0.0, APPROVE, None),
        (0.3999, APPROVE, None),
        (0.4, REVIEW, 0.4),
        (0.8999, REVIEW, 0.4),
        (0.9, REJECT, 0.9),
        (1.0, REJECT, 0.9),
    ],
)
def test_a_score_meets_its_thresholds(score: float, outcome: Outcome, threshold: float | None) -> None:
    """A score on a threshold counts as beyond it; the reason names the threshold that decided."""
    ruling = decide(spam=score)
    assert ruling.outcome is outcome
    assert [reason.threshold for reason in ruling.reasons] == ([threshold] if threshold else [])


@pytest.mark.parametrize(
    ("signals", "outcome"),
    [
        ((0.0, 0.0), APPROVE),
        ((0.5, 0.95), REJECT),
        ((0.5, 0.0, fire("drugs", REJECT)), REJECT),
        ((0.0, 0.0, fire("drugs", REVIEW)), REVIEW),
        ((0.95, 0.0, fire("spam", APPROVE)), APPROVE),
        ((0.95, 0.0, fire("drugs", APPROVE)), REJECT),
        ((0.0, 0.0, fire("spam", APPROVE), fire("spam", REVIEW, "s")), REVIEW),
        ((0.0, 0.0, fire("spam", APPROVE, failure="broke")), REVIEW),
        ((0.0, 0.95, fire("spam", REVIEW, failure="broke")), REJECT),
    ],
)
def test_the_worst_outcome_wins(signals: tuple[float, float, *tuple[RuleResult, ...]], outcome: Outcome) -> None:
    """An approving rule only takes back the classifier's word on its own policy; a failure never approves."""
    assert decide(*signals).outcome is outcome


def test_without_scores_nothing_is_approved() -> None:
    """A classifier that gave nothing is a visible reason and a review, also when no failure was handed in."""
    ruling = JUDGE.decide(Signals(None))
    assert (ruling.outcome, ruling.reasons[0].id, ruling.review_sla_minutes) == (REVIEW, "classifier_unavailable", 240)
    told = JUDGE.decide(Signals(None, failures=[Failure("classifier_failed", "no memory")]))
    assert [(reason.id, reason.detail) for reason in told.reasons] == [("classifier_failed", "no memory")]


def test_a_failed_rule_is_named() -> None:
    """The reason says which rule failed, of which policy, and why."""
    reason = decide(0.0, 0.0, fire("drugs", REVIEW, "cel", "division by zero")).reasons[0]
    assert (reason.source, reason.id, reason.policy, reason.detail) == (
        Source.FAILURE, "rule_failed:cel", "drugs", "division by zero",
    )  # fmt: skip


def test_reasons_stand_worst_first() -> None:
    """By outcome, then expected harm, then rules before the model before failures."""
    ruling = decide(0.99, 0.6, fire("drugs", REVIEW, "b"), fire("spam", REJECT, "a"), failures=(Failure("f", ""),))
    assert [(reason.outcome.value, reason.policy, reason.id) for reason in ruling.reasons] == [
        ("reject", "spam", "stage_a"),
        ("reject", "spam", "a"),
        ("review", "drugs", "stage_a"),
        ("review", "drugs", "b"),
        ("review", None, "f"),
    ]


def test_messages_are_those_of_the_decisive_policies() -> None:
    """An advertiser reads about what was rejected, not about what was also looked at."""
    ruling = decide(0.5, 0.95)
    assert [message.policy for message in ruling.messages] == ["drugs"]
    assert decide().messages == ()


def test_the_queue_is_sorted_by_expected_harm() -> None:
    """Probability times weight, the largest over the policies; the shortest time limit of the decisive ones."""
    ruling = decide(0.8, 0.5)
    assert (ruling.priority, ruling.priority_policy, ruling.review_sla_minutes) == (2.5, "drugs", 60)
    assert decide(spam=0.8).review_sla_minutes == 1440


@pytest.mark.parametrize(("spam", "suggested"), [(0.45, APPROVE), (0.7, REJECT)])
def test_a_reviewer_gets_a_suggestion(spam: float, suggested: Outcome) -> None:
    """More likely than not a violation: reject; else approve."""
    assert decide(spam=spam).suggested_outcome is suggested


def test_reasons_are_bounded() -> None:
    """Fifty rules may fire; a decision holds the twenty weightiest reasons."""
    ruling = decide(0.0, 0.0, *(fire("spam", REVIEW, f"r{n:02}") for n in range(50)))
    assert len(ruling.reasons) == 20
    assert ruling.reasons[0].id == "r00"
