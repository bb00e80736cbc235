"""Decides whether so much fails that going on would drain the input into reviews and dead letters. Pure."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from service.contracts.dead_letter import CausedBy
from service.observability.metrics import ChunkTally


@dataclass(frozen=True)
class GuardLimits:
    """Largest shares of all records in a window of `window_s`; None is no limit."""

    window_s: float
    least_records: int
    moderation_failed: float | None
    service_dead_letters: float | None
    sender_dead_letters: float | None


class Breach(NamedTuple):
    """The limit that was exceeded and a sentence for whoever is paged."""

    cause: str
    message: str


class _Counts(NamedTuple):
    at_s: float
    records: int
    moderation_failed: int
    service_dead_letters: int
    sender_dead_letters: int


class FailureGuard:
    """Counts failures over a sliding window."""

    def __init__(self, limits: GuardLimits) -> None:
        self._limits = limits
        self._window: deque[_Counts] = deque()

    def observe(self, tally: ChunkTally, now_s: float) -> Breach | None:
        """Add a chunk's counts at monotonic time `now_s` and say whether a limit is exceeded now."""
        by_causer = dict.fromkeys(CausedBy, 0)
        for (_, causer), amount in tally.dead_letters.items():
            by_causer[CausedBy(causer)] += amount
        counts = _Counts(
            now_s, tally.submissions, tally.moderation_failed, by_causer[CausedBy.SERVICE], by_causer[CausedBy.SENDER]
        )
        self._window.append(counts)
        while self._window[0].at_s < now_s - self._limits.window_s:
            self._window.popleft()
        return self._judge()

    def reset(self) -> None:
        """Forget the window, as after a resume or when another bundle came into force."""
        self._window.clear()

    def _judge(self) -> Breach | None:
        records = sum(counts.records for counts in self._window)
        if records < self._limits.least_records:
            return None
        for cause in ("moderation_failed", "service_dead_letters", "sender_dead_letters"):
            limit: float | None = getattr(self._limits, cause)
            failed = sum(getattr(counts, cause) for counts in self._window)
            if limit is not None and failed > limit * records:
                return Breach(cause, self._word(cause, failed, records, limit))
        return None

    def _word(self, cause: str, failed: int, records: int, limit: float) -> str:
        return (
            f"{failed} of {records} records in {self._limits.window_s:g} s are {cause.replace('_', ' ')}, more than"
            f" {limit:.1%}; mend the cause, then run `sluice resume`, or publish another bundle"
        )
