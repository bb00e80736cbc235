"""What a score is judged as, once rules have raised or lowered it, and which threshold it meets.

The shifts of all rules that fired add up, and the sum is kept within 0 and 1. A score that stands at `approve_below`
or above it is never lowered below it for a policy that no rule may approve: a rejection becomes a review, no more.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from service.contracts.decision import Outcome
from service.strategy.schema import Threshold

_DECIMALS = 6
"""Sums of shares such as 0.1 + 0.2 are kept from missing a threshold by a rounding error."""


class Shift(NamedTuple):
    """How far a rule that fired moves its policy's score."""

    rule: str
    policy: str
    by: float


class JudgedScore(NamedTuple):
    """A score as the classifier gave it, as it is judged, and the outcome that this alone leads to."""

    raw: float
    judged: float
    outcome: Outcome
    limit: float
    """The threshold that decided."""
    shifts: tuple[Shift, ...] = ()
    cleared: bool = False
    """An approving rule takes the classifier's word back."""
    held: bool = False
    """No rule may approve this policy, so the score was not lowered below `approve_below`."""

    def explain(self) -> str:
        """Return how the score was moved, in words; '' where it was not."""
        if not self.shifts:
            return ""
        steps = " ".join(f"{'+' if shift.by > 0 else '-'} {abs(shift.by):g} ({shift.rule})" for shift in self.shifts)
        why = "; not lower, since no rule may approve this policy" if self.held else ""
        return f"judged as {self.judged:g}: {self.raw:g} {steps}{why}"


def judge_score(score: float, threshold: Threshold) -> tuple[Outcome, float]:
    """Return a score's outcome and the threshold that decided it. A score on a threshold counts as beyond it."""
    if score >= threshold.reject_above:
        return Outcome.REJECT, threshold.reject_above
    if score >= threshold.approve_below:
        return Outcome.REVIEW, threshold.approve_below
    return Outcome.APPROVE, threshold.approve_below


def judge_scores(
    scores: Mapping[str, float],
    thresholds: Mapping[str, Threshold],
    shifts: Sequence[Shift],
    cleared: Collection[str],
    final: Collection[str],
) -> dict[str, JudgedScore]:
    """Return what each score is judged as that says something: one that a rule moved, or from `approve_below` on.

    `cleared` are policies of which a rule takes the classifier's word back, `final` those that no rule may approve.
    """
    judged = {}
    for policy, raw in scores.items():
        threshold = thresholds.get(policy)
        if threshold is None:
            continue
        own = tuple(shift for shift in shifts if shift.policy == policy) if shifts else ()
        if own or raw >= threshold.approve_below:
            score = judge_moved(raw, threshold, own, final=policy in final)
            judged[policy] = score._replace(cleared=True) if policy in cleared else score
    return judged


def judge_moved(raw: float, threshold: Threshold, shifts: tuple[Shift, ...], *, final: bool) -> JudgedScore:
    """Return what one policy's score is judged as."""
    value, held = _move(raw, shifts, threshold, final=final) if shifts else (raw, False)
    outcome, limit = judge_score(value, threshold)
    return JudgedScore(raw, value, outcome, limit, shifts, held=held)


def _move(raw: float, shifts: Sequence[Shift], threshold: Threshold, *, final: bool) -> tuple[float, bool]:
    value = round(min(max(raw + sum(shift.by for shift in shifts), 0.0), 1.0), _DECIMALS)
    if final and value < threshold.approve_below <= raw:
        return threshold.approve_below, True
    return value, False
