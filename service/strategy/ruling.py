"""Signals and thresholds become one ruling. Pure arithmetic; the order of outcomes and reasons is documented here.

- The worst outcome wins: reject, then review, then approve. A failure speaks for review, so it never hides a
  rejection, and nothing that failed is ever approved.
- A rule that approves takes back what the classifier says about its policy, and only that: never another rule's
  outcome, never a failure.
- Rules that raise or lower a policy's score add up; see `shifting`. The reason keeps the score as it was given.
- A rule that fails speaks for review, or for nothing where the strategy says `on_failure: keep`; it is told either way.
- Reasons stand worst outcome first, then by expected harm (the policy's weight x how sure), then rules before model
  before failures, then by id. Only the first `MAX_REASONS` are kept.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from service.contracts.decision import MAX_REASONS, AdvertiserMessage, Evidence, Outcome, Reason, Source
from service.strategy.rule_schema import OnFailure
from service.strategy.schema import Policy, Threshold
from service.strategy.shifting import JudgedScore, Shift, judge_scores

SEVERITY = {Outcome.REJECT: 2, Outcome.REVIEW: 1, Outcome.APPROVE: 0}
_SOURCE_ORDER = {Source.RULE: 0, Source.MODEL: 1, Source.FAILURE: 2}

# How likely a violation is where a rule, not a score, says so; reviewers' precision on rules may replace these.
RULE_SURENESS = {Outcome.REJECT: 0.9, Outcome.REVIEW: 0.5, Outcome.APPROVE: 0.0}
FAILURE_SURENESS = 0.25
SUGGEST_REJECT_AT = 0.5


class RuleResult(NamedTuple):
    """A rule that fired, or that failed on this ad (`failure` then says why)."""

    rule: str
    policy: str | None
    outcome: Outcome
    detail: str = ""
    evidence: tuple[Evidence, ...] = ()
    failure: str = ""
    shift: float = 0.0
    """How far the rule moves its policy's score; 0.0 unless its action is raise or lower."""
    on_failure: OnFailure = OnFailure.REVIEW


class Failure(NamedTuple):
    """A part that failed on this ad, such as ('classifier_failed', 'out of memory')."""

    id: str
    detail: str


class Signals(NamedTuple):
    """All that is known about one ad. `scores` maps policies to probabilities; None: the classifier gave none."""

    scores: Mapping[str, float] | None
    results: Sequence[RuleResult] = ()
    failures: Sequence[Failure] = ()
    model_stage: str = "stage_a"


class Ruling(NamedTuple):
    """What becomes of the ad. The last four say how a review would be queued; they are set for every outcome."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    messages: tuple[AdvertiserMessage, ...]
    priority: float
    priority_policy: str | None
    suggested_outcome: Outcome
    review_sla_minutes: int


class Judge:
    """The thresholds of one strategy and the policies of its bundle."""

    def __init__(
        self, policies: Mapping[str, Policy], thresholds: Mapping[str, Threshold], failure_sla_minutes: int
    ) -> None:
        self._policies = policies
        self._thresholds = dict(thresholds)
        self._failure_sla_minutes = failure_sla_minutes
        self.final = frozenset(name for name, policy in policies.items() if not policy.rules_may_approve)

    def decide(self, signals: Signals) -> Ruling:
        """Return the ruling for one ad; never raises on scores in [0, 1]."""
        judged = self.judge(signals)
        reasons = [_rule_reason(r, judged.get(r.policy or "")) for r in signals.results if not r.failure]
        reasons += self._model_reasons(signals, judged)
        reasons += [_rule_failure_reason(r) for r in signals.results if r.failure]
        reasons += [_failure_reason(f.id, f.detail, None) for f in signals.failures]
        if signals.scores is None and self._thresholds and not signals.failures:
            reasons.append(_failure_reason("classifier_unavailable", "the classifier gave no scores", None))
        sure = {**(signals.scores or {}), **{policy: score.judged for policy, score in judged.items()}}
        reasons.sort(key=lambda reason: self._weigh(reason, sure))
        outcome = reasons[0].outcome if reasons else Outcome.APPROVE
        return self._rule(outcome, reasons, sure)

    def judge(self, signals: Signals) -> dict[str, JudgedScore]:
        """Return what each policy's score is judged as, and what that alone leads to; see `judge_scores`."""
        fired = [r for r in signals.results if not r.failure]
        cleared = {r.policy for r in fired if r.outcome is Outcome.APPROVE and r.policy and not r.shift}
        shifts = [Shift(r.rule, r.policy, r.shift) for r in fired if r.shift and r.policy]
        return judge_scores(signals.scores or {}, self._thresholds, shifts, cleared, self.final)

    def _model_reasons(self, signals: Signals, judged: Mapping[str, JudgedScore]) -> list[Reason]:
        return [
            Reason(
                policy=policy,
                source=Source.MODEL,
                id=signals.model_stage,
                outcome=score.outcome,
                score=score.raw,
                threshold=score.limit,
                detail=score.explain()[:500],
            )
            for policy, score in judged.items()
            if score.outcome is not Outcome.APPROVE and not score.cleared
        ]

    def _sureness(self, reason: Reason, sure: Mapping[str, float]) -> float:
        if reason.source is Source.MODEL and reason.policy:
            return sure[reason.policy]
        return FAILURE_SURENESS if reason.source is Source.FAILURE else RULE_SURENESS[reason.outcome]

    def _harm(self, reason: Reason, sure: Mapping[str, float]) -> float:
        # A failure that concerns no policy might hide any of them: take the ordinary weight.
        weight = self._policies[reason.policy].harm_weight if reason.policy else 1.0
        return weight * self._sureness(reason, sure)

    def _weigh(self, reason: Reason, sure: Mapping[str, float]) -> tuple[int, float, int, str]:
        return -SEVERITY[reason.outcome], -self._harm(reason, sure), _SOURCE_ORDER[reason.source], reason.id

    def _rule(self, outcome: Outcome, reasons: list[Reason], sure: Mapping[str, float]) -> Ruling:
        decisive = [r for r in reasons if r.outcome is outcome and outcome is not Outcome.APPROVE]
        policies = list(dict.fromkeys(r.policy for r in decisive if r.policy))
        expected = {policy: score * self._policies[policy].harm_weight for policy, score in sure.items()}
        for reason in reasons:
            if reason.policy:
                expected[reason.policy] = max(expected.get(reason.policy, 0.0), self._harm(reason, sure))
        worst = min(expected, key=lambda policy: (-expected[policy], policy), default=None)
        floor = FAILURE_SURENESS if any(r.source is Source.FAILURE and r.outcome is outcome for r in reasons) else 0.0
        likely = any(self._sureness(r, sure) >= SUGGEST_REJECT_AT for r in decisive)
        minutes = [self._policies[policy].review_sla_minutes for policy in policies]
        return Ruling(
            outcome=outcome,
            reasons=tuple(reasons[:MAX_REASONS]),
            messages=tuple(AdvertiserMessage(policy=p, text=self._policies[p].message) for p in policies),
            priority=max(expected[worst] if worst else 0.0, floor),
            priority_policy=worst,
            suggested_outcome=Outcome.REJECT if likely else Outcome.APPROVE,
            review_sla_minutes=min(minutes, default=self._failure_sla_minutes),
        )


def rule_failure(failure: Failure, sla_minutes: int) -> Ruling:
    """Return the ruling on an ad that could not be judged at all: a review, whatever the ad is."""
    return Ruling(
        outcome=Outcome.REVIEW,
        reasons=(_failure_reason(failure.id, failure.detail, None),),
        messages=(),
        priority=FAILURE_SURENESS,
        priority_policy=None,
        suggested_outcome=Outcome.APPROVE,
        review_sla_minutes=sla_minutes,
    )


def _rule_reason(result: RuleResult, score: JudgedScore | None) -> Reason:
    detail = result.detail
    if result.shift:
        change = f"{'raises' if result.shift > 0 else 'lowers'} the score of {result.policy} by {abs(result.shift):g}"
        told = f": {score.raw:g} is judged as {score.judged:g}" if score else ", but there is none"
        detail = f"{change}{told}" + (f"; {detail}" if detail else "")
    return Reason(
        policy=result.policy,
        source=Source.RULE,
        id=result.rule,
        outcome=result.outcome,
        detail=detail[:500],
        evidence=result.evidence,
    )


def _rule_failure_reason(result: RuleResult) -> Reason:
    reason = _failure_reason("rule_failed:" + result.rule, result.failure, result.policy)
    if result.on_failure is OnFailure.REVIEW:
        return reason
    detail = f"its strategy lets the ad keep its outcome: {result.failure}"[:500]
    return reason.model_copy(update={"outcome": Outcome.APPROVE, "detail": detail})


def _failure_reason(code: str, detail: str, policy: str | None) -> Reason:
    return Reason(policy=policy, source=Source.FAILURE, id=code[:128], outcome=Outcome.REVIEW, detail=detail[:500])
