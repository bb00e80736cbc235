"""Holds work back to a rate, and stops it while live traffic waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable

_LOOK_EVERY_S = 2.0
_LONGEST_BURST_S = 1.0


class Clock:
    """The time that a pace goes by."""

    def now_s(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)


class Pace:
    """At most `rate` ads a second; `measure_lag` is asked every two seconds, and above `max_lag` nothing goes on."""

    def __init__(
        self, rate: float, max_lag: int, measure_lag: Callable[[], Awaitable[int]], clock: Clock | None = None
    ) -> None:
        self._rate, self._max_lag, self._measure_lag = rate, max_lag, measure_lag
        self._clock = clock or Clock()
        self._due_s = self._clock.now_s()
        self._looked_s = 0.0
        self.waiting_for: int | None = None
        """The lag that is waited for now; None while work goes on."""

    async def wait(self, ads: int) -> None:
        """Return when the next `ads` may be worked on. Raises what `measure_lag` raises."""
        while self._clock.now_s() - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = self._clock.now_s()
            lag = await self._measure_lag()
            self.waiting_for = lag if lag > self._max_lag else None
            if self.waiting_for is not None:
                await self._clock.sleep(_LOOK_EVERY_S)
        now_s = self._clock.now_s()
        # What a pause left undone is not made up for by a burst.
        self._due_s = max(self._due_s, now_s - _LONGEST_BURST_S)
        await self._clock.sleep(max(0.0, self._due_s - now_s))
        self._due_s += ads / self._rate
