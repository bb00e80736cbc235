"""The same ads judged by live and by the candidate, with the same signals: what shadow runs and guard rails compare.

The arm that decides an ad has ruled already. The other one is asked later, in a thread of its own, so that a candidate
that is slow or fails can cost live nothing but the processor's time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from service.answer import Judged, LiveBundle, Received
from service.deployment import Deployment
from service.moderate.judging import Grounds, Scores, judge_ad
from service.moderate.likeness import must_judge_alike, share_policies
from service.rules import AdView
from service.strategy import Ruling

Arm = Literal["live", "candidate"]


class ArmRuling(NamedTuple):
    """What one bundle makes of an ad; `ruling` is None where it failed, and `failure` says why."""

    bundle: LiveBundle
    strategy: str | None
    ruling: Ruling | None
    failure: str = ""
    failed_rules: tuple[str, ...] = ()


class Pair(NamedTuple):
    """One ad, two rulings. `arm` is the one that decided it."""

    received: Received
    arm: Arm
    in_rollout: bool
    as_of: datetime
    live: ArmRuling
    candidate: ArmRuling


class PendingPair(NamedTuple):
    """An ad that the deciding arm has ruled on, with its view and scores for the other."""

    ad: AdView
    scored: Scores
    decided: Judged
    arm: Arm
    in_rollout: bool
    failure: str = ""


class PendingPairs(NamedTuple):
    """A chunk's pairs, half done. Evaluating never raises: a bundle that fails on an ad is part of the answer."""

    items: Sequence[PendingPair]
    deployment: Deployment
    as_of: datetime

    def evaluate(self) -> list[Pair]:
        """Return the pairs, in the ads' order; the arm that did not decide is asked now."""
        return [self.evaluate_one(item) for item in self.items]

    def evaluate_one(self, item: PendingPair) -> Pair:
        """Return one pair."""
        live, candidate = self.deployment.live, self.deployment.candidate
        if candidate is None:
            raise LookupError("there is no candidate to compare live with")
        decided = item.decided
        bundle = live if item.arm == "live" else candidate
        known = _tell(bundle, decided)
        if item.arm == "candidate":
            return Pair(decided.received, item.arm, item.in_rollout, self.as_of, self._ask(item, live), known)
        other = ArmRuling(candidate, None, None, item.failure) if item.failure else self._ask(item, candidate)
        return Pair(decided.received, item.arm, item.in_rollout, self.as_of, known, other)

    def _ask(self, item: PendingPair, bundle: LiveBundle) -> ArmRuling:
        grounds = Grounds(bundle, self.as_of, self.deployment.blocks)
        try:
            judged = self._copy(item, bundle) or judge_ad(item.decided.received, item.ad, item.scored, grounds)
        except Exception as error:  # noqa: BLE001 - a failure is what the comparison has to show
            return ArmRuling(bundle, None, None, f"{type(error).__name__}: {error}"[:500])
        return _tell(bundle, judged)

    def _copy(self, item: PendingPair, bundle: LiveBundle) -> Judged | None:
        """Return the known judgement as the other bundle's, where that must be the same."""
        known, decided_by = item.decided, self._decided_by(item)
        if known.strategy is None or decided_by is None or not share_policies(bundle, decided_by):
            return None
        strategy = bundle.strategies.strategy_for(known.received.submission, self.as_of)
        return known._replace(strategy=strategy) if must_judge_alike(item.ad, known.strategy, strategy) else None

    def _decided_by(self, item: PendingPair) -> LiveBundle | None:
        return self.deployment.live if item.arm == "live" else self.deployment.candidate


def _tell(bundle: LiveBundle, judged: Judged) -> ArmRuling:
    strategy = judged.strategy.id if judged.strategy else None
    return ArmRuling(bundle, strategy, judged.ruling, failed_rules=judged.failed_rules)
