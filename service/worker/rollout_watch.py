"""Lets the guard rails see the pairs of the rollout in force, each width of it anew."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from service.moderate import ArmRuling, Pair
from service.release.guard_rail import ArmOutcome, GuardLimits, GuardRail, PairedOutcome, RolloutBreach
from service.release.rollout import Rollout

_MEASURE_S = 1.0


class Finding(NamedTuple):
    """A rollout that has to be stopped, and why."""

    rollout: Rollout
    breach: RolloutBreach


class RolloutWatch:
    """The guard rail of the latest width of a rollout that was seen."""

    def __init__(self, limits: GuardLimits) -> None:
        self._limits = limits
        self._sequence = 0
        self._guard = GuardRail(limits)
        self._found = False
        self._measured_s = -math.inf

    def observe(self, rollout: Rollout | None, pairs: Sequence[Pair], now_s: float) -> Finding | None:
        """Look at pairs that were decided under `rollout`; returns a finding once a width."""
        if rollout is None or rollout.sequence < self._sequence:
            return None  # decided before the width changed
        if rollout.sequence > self._sequence:
            self._sequence, self._guard, self._found = rollout.sequence, GuardRail(self._limits), False
        if self._found:
            return None
        breach = self._guard.observe([_outline(pair) for pair in pairs if pair.in_rollout], now_s)
        if breach is None:
            return None
        self._found = True
        return Finding(rollout, breach)

    def measure_evidence(self, now_s: float) -> dict[str, float] | None:
        """Return each guard's evidence as a share of what stops the rollout; None if it was asked for a second ago."""
        if now_s - self._measured_s < _MEASURE_S:
            return None
        self._measured_s = now_s
        return self._guard.measure_evidence()


def _outline(pair: Pair) -> PairedOutcome:
    return PairedOutcome(pair.received.submission.advertiser.id, _tell(pair.live), _tell(pair.candidate))


def _tell(arm: ArmRuling) -> ArmOutcome:
    outcome = arm.ruling.outcome if arm.ruling is not None else None
    return ArmOutcome(outcome, failed=arm.ruling is None or bool(arm.failed_rules))
