"""Judges some ads by the other bundle and says what came of it: records, counts, and whether something must stop.

Runs in the shadow thread; holds no lock, knows no Kafka, and raises nothing that the ads or the bundles cause.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from service.contracts.decision import Outcome
from service.moderate import ArmRuling, Pair
from service.observability.catalogue import FAILED, NONE
from service.observability.shadow_tally import ShadowTally
from service.release.guard_rail import RolloutBreach
from service.worker.rollout_watch import Finding, RolloutWatch
from service.worker.shadow_budget import CandidateBudget, OffCause
from service.worker.shadow_buffer import Slice
from service.worker.shadow_record import ShadowRecord, build_shadow_record

_STRICTNESS = {Outcome.APPROVE: 0, Outcome.REVIEW: 1, Outcome.REJECT: 2}


class CandidateOff(NamedTuple):
    """A candidate that is not evaluated any longer in this worker, and why."""

    bundle: str
    cause: OffCause
    message: str


class Judgement(NamedTuple):
    """What a slice came to; `left_out` are ads that were not judged, because the candidate is off."""

    records: list[ShadowRecord]
    tally: ShadowTally
    left_out: int = 0
    off: CandidateOff | None = None
    finding: Finding | None = None
    evidence: dict[str, float] | None = None


class ShadowJudge:
    """Judges slice after slice, of one candidate under one width of a rollout at a time."""

    def __init__(
        self,
        budget_us: float,
        watch: RolloutWatch,
        cpu_s: Callable[[], float] = time.thread_time,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget_us = budget_us
        self._watch = watch
        self._cpu_s = cpu_s
        self._now_s = now_s
        self._trial = "", 0
        self._budget = CandidateBudget(budget_us)
        self._off: CandidateOff | None = None

    def judge(self, taken: Slice) -> Judgement:
        """Return the slice's records and counts."""
        deployment = taken.pairs.deployment
        bundle = deployment.candidate.strategies.ref.sha256 if deployment.candidate is not None else ""
        rollout = deployment.rollout
        trial = bundle, rollout.sequence if rollout is not None else 0
        if trial != self._trial:
            self._trial, self._budget, self._off = trial, CandidateBudget(self._budget_us), None
        tally = ShadowTally()
        pairs = self._evaluate(taken, tally)
        records = [build_shadow_record(pair, rollout.id if rollout is not None else None) for pair in pairs]
        now_s = self._now_s()
        finding = self._watch.observe(rollout, pairs, now_s)
        off = self._off
        if off is not None and rollout is not None and finding is None:
            # Where it decides ads itself it costs live the same.
            finding = Finding(rollout, RolloutBreach(off.cause, f"the candidate is switched off: {off.message}"))
        left_out = len(taken.items) - len(pairs)
        return Judgement(records, tally, left_out, off, finding, self._watch.measure_evidence(now_s))

    def _evaluate(self, taken: Slice, tally: ShadowTally) -> list[Pair]:
        """Return the pairs, up to the one with which the candidate is switched off."""
        pairs: list[Pair] = []
        for item in taken.items:
            if self._off is not None:
                break
            began_s = self._cpu_s()
            pair = taken.pairs.evaluate_one(item)
            spent_s = self._cpu_s() - began_s
            pairs.append(pair)
            tally.cpu_s += spent_s
            tally.count_pair(_name(pair.live), _name(pair.candidate), _choose_policy(pair))
            # Where the candidate decided, it was live that was asked now.
            spent_us = spent_s * 1e6 if item.arm == "live" else 0.0
            cause = self._budget.observe(1, spent_us, failed=pair.candidate.ruling is None)
            if cause is not None:
                self._off = CandidateOff(self._trial[0], cause, self._budget.describe())
        return pairs


def _name(arm: ArmRuling) -> str:
    return arm.ruling.outcome if arm.ruling is not None else FAILED


def _choose_policy(pair: Pair) -> str:
    """Return the policy of the stricter arm's weightiest reason."""
    live, candidate = pair.live.ruling, pair.candidate.ruling
    if candidate is None or (live is not None and _STRICTNESS[live.outcome] >= _STRICTNESS[candidate.outcome]):
        ruling = live
    else:
        ruling = candidate
    return (ruling.reasons[0].policy or NONE) if ruling is not None and ruling.reasons else NONE
