"""Decides whether a candidate is too dear or too broken to be evaluated in this worker any longer. Pure."""

from typing import Literal

OffCause = Literal["too_slow", "fails"]

_WINDOW_ADS = 256
_LEAST_ADS = 32
_MOST_FAILED = 0.5


class CandidateBudget:
    """Adds up a candidate's processor time and failures over runs of 256 ads."""

    def __init__(self, most_us: float) -> None:
        """Allow `most_us` microseconds of processor time an ad, on average."""
        self._most_us = most_us
        self._begin()

    def observe(self, ads: int, spent_us: float, failed: int) -> OffCause | None:
        """Add what some ads cost, and say whether that was the last straw.

        A candidate that has spent the whole run's budget is too slow, however few ads it took, so that one that takes
        a second an ad is stopped after the first; one that fails on most ads is stopped after 32.
        """
        if self._ads >= _WINDOW_ADS:
            self._begin()
        self._ads += ads
        self._spent_us += spent_us
        self._failed += failed
        if self._spent_us > self._most_us * max(self._ads, _WINDOW_ADS):
            return "too_slow"
        if self._ads >= _LEAST_ADS and self._failed > _MOST_FAILED * self._ads:
            return "fails"
        return None

    def describe(self) -> str:
        """Return what was measured in the present run."""
        average_us = self._spent_us / self._ads if self._ads else 0.0
        return (
            f"{average_us:,.0f} µs an ad (allowed: {self._most_us:,.0f}), failed on {self._failed} of {self._ads} ads"
        )

    def _begin(self) -> None:
        self._ads = self._failed = 0
        self._spent_us = 0.0
