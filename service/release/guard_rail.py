"""A rollout's guard rails: stop a candidate that rejects, holds, approves or fails on more of the same ads than live.

Each guard tests, after any number of pairs, whether the mean difference between candidate and live is above its margin
(`sequential_test`). How its promise holds up in traffic:

- **Advertisers.** Ads of one advertiser resemble each other, so they are not independent. In a window each advertiser
  counts once, with its first ad: what is compared is shares of advertisers. One that sends a million ads weighs as much
  as one that sends one, and cannot trip a guard alone.
- **Windows.** A window ends after `window_s`, or with its 100,000th advertiser, and the next begins anew; otherwise a
  long harmless time would have to be made up for first. Of a rollout's level the windows n = 0, 1, ... get the shares
  1 / ((n + 1) (n + 2)), which add up to 1.
- **Guards and workers.** Each guard gets an equal part of the level, and so does each of `workers`, the most that may
  test traffic of their own at once: the partitions of the submissions topic. So all guards of all workers together stop
  a harmless rollout with probability `alpha` at most (Boole's inequality), however long it runs. A worker that starts
  again, and each new width of a rollout, begin anew with the whole level of theirs.

Advertisers it takes to stop, with alpha 0.001, 12 partitions, the second window, where both bundles also differ by
chance on 1 % of the ads each way; median (90th percentile) of 40 simulations:

    true difference     margin 1 point     margin 2 points     margin 5 points
          3 points     2,700  (4,100)      10,700 (19,000)             never
          5 points     1,100  (1,300)       1,700  (2,500)             never
         10 points       340    (480)         410    (720)     1,000 (1,500)
         20 points       120    (220)         150    (180)       180   (280)
         50 points        43     (58)          48     (59)        51    (61)
    all that live lets through (88)  24 (26)   25    (28)         25    (27)
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from service.contracts.decision import Outcome
from service.release.sequential_test import weigh_evidence

MOST_ADVERTISERS = 100_000
"""Of one window, which bounds its memory to some 10 MB."""


class ArmOutcome(NamedTuple):
    """What one bundle makes of an ad; `outcome` is None where it could not judge it, `failed` also if a rule failed."""

    outcome: Outcome | None
    failed: bool


class PairedOutcome(NamedTuple):
    """An ad's outcomes under both bundles."""

    advertiser: str
    live: ArmOutcome
    candidate: ArmOutcome


class GuardMargins(NamedTuple):
    """By how much the candidate's share may exceed live's, by guard; each in [0, 1)."""

    reject_share: float
    review_share: float
    approve_share: float
    failures: float


GUARDS = GuardMargins._fields
_OUTCOMES = {"reject_share": Outcome.REJECT, "review_share": Outcome.REVIEW, "approve_share": Outcome.APPROVE}
_WORDS = {
    "reject_share": ("rejects", "REJECT"),
    "review_share": ("sends to review", "REVIEW"),
    "approve_share": ("approves", "APPROVE"),
    "failures": ("fails on", "FAILURE"),
}
"""What the candidate does too often, and how the guard's setting is called."""


@dataclass(frozen=True)
class GuardLimits:
    """When a rollout is stopped: margins, the probability of a false stop, the window, and how many workers test."""

    margins: GuardMargins
    alpha: float
    window_s: float
    workers: int


class RolloutBreach(NamedTuple):
    """The guard that gave way and a sentence for whoever is paged."""

    cause: str
    message: str


@dataclass
class _Counts:
    """How one guard's pairs fell in this window, and how often each arm did what the guard watches."""

    worse: int = 0
    better: int = 0
    live: int = 0
    candidate: int = 0

    def add(self, *, live: bool, candidate: bool) -> None:
        self.live += live
        self.candidate += candidate
        self.worse += candidate and not live
        self.better += live and not candidate


@dataclass
class _Window:
    number: int
    began_s: float
    advertisers: set[int] = field(default_factory=set)
    counts: dict[str, _Counts] = field(default_factory=lambda: {guard: _Counts() for guard in GUARDS})


class GuardRail:
    """Watches one width of one rollout in one worker."""

    def __init__(self, limits: GuardLimits) -> None:
        self._limits = limits
        self._window = _Window(-1, -math.inf)
        self._worsened: set[str] = set()

    def observe(self, pairs: Iterable[PairedOutcome], now_s: float) -> RolloutBreach | None:
        """Count pairs at monotonic time `now_s`, and say whether a guard gives way now."""
        for pair in pairs:
            self._count(pair, now_s)
        return self._judge()

    def measure_evidence(self) -> dict[str, float]:
        """Return each guard's evidence as a share of what stops the rollout; 1 or more stops it."""
        return {guard: self._weigh(guard) for guard in GUARDS}

    def _count(self, pair: PairedOutcome, now_s: float) -> None:
        window = self._window
        if now_s - window.began_s >= self._limits.window_s or len(window.advertisers) >= MOST_ADVERTISERS:
            window = self._window = _Window(window.number + 1, now_s)
        # A hash is a third of the text's size; two advertisers in 10^14 share one, and then one of them is left out.
        if (advertiser := hash(pair.advertiser)) in window.advertisers:
            return
        window.advertisers.add(advertiser)
        for guard, outcome in _OUTCOMES.items():
            self._add(guard, live=pair.live.outcome is outcome, candidate=pair.candidate.outcome is outcome)
        self._add("failures", live=pair.live.failed, candidate=pair.candidate.failed)

    def _add(self, guard: str, *, live: bool, candidate: bool) -> None:
        self._window.counts[guard].add(live=live, candidate=candidate)
        if candidate and not live:
            self._worsened.add(guard)

    def _judge(self) -> RolloutBreach | None:
        # Evidence grows by pairs that speak against the candidate alone, and these are few.
        worsened, self._worsened = sorted(self._worsened), set()
        for guard in worsened:
            if self._weigh(guard) >= 1:
                return RolloutBreach(guard, self._word(guard))
        return None

    def _weigh(self, guard: str) -> float:
        counts = self._window.counts[guard]
        same = len(self._window.advertisers) - counts.worse - counts.better
        evidence = float(weigh_evidence(counts.worse, same, counts.better, getattr(self._limits.margins, guard)))
        return max(0.0, evidence / -math.log(self._share_level()))

    def _share_level(self) -> float:
        number = max(self._window.number, 0)
        return self._limits.alpha / len(GUARDS) / self._limits.workers / ((number + 1) * (number + 2))

    def _word(self, guard: str) -> str:
        counts, advertisers = self._window.counts[guard], len(self._window.advertisers)
        margin = getattr(self._limits.margins, guard)
        does, setting = _WORDS[guard]
        return (
            f"of {advertisers:,} advertisers, one ad each, the candidate {does} {counts.candidate:,} and live"
            f" {counts.live:,}: the shares differ by more than {margin:.1%} of all. Live decides again; see the moved"
            " ads in the shadow topic, mend the candidate, and set a new rollout; if the change is meant, raise"
            f" SLUICE_ROLLOUT_GUARD_{setting}_MARGIN first"
        )
