import asyncio

import pytest

from service.worker.pacing import Clock, Pace


class FakeClock(Clock):
    """Time that passes only in sleeps."""

    def __init__(self) -> None:
        self.time_s = 100.0
        self.slept_s: list[float] = []

    def now_s(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.time_s += seconds
        self.slept_s.append(seconds)


def test_work_is_held_back_to_its_rate() -> None:
    """The first may go at once, each further one when the last has used up its time."""
    clock = FakeClock()

    async def no_lag() -> int:
        return 0

    async def work() -> None:
        pace = Pace(100.0, 10, no_lag, clock)
        for _ in range(11):
            await pace.wait(50)

    asyncio.run(work())
    assert clock.time_s == pytest.approx(105.0)


def test_live_traffic_goes_first() -> None:
    """While the workers are behind nothing goes on, and what was left undone is not made up for by a burst."""
    clock = FakeClock()
    lags = [11, 500, 10, 0]

    async def measure() -> int:
        return lags.pop(0)

    async def work() -> None:
        pace = Pace(10.0, 10, measure, clock)
        await pace.wait(10)
        assert pace.waiting_for is None
        for _ in range(3):
            await pace.wait(10)

    asyncio.run(work())
    assert clock.slept_s[:2] == [2.0, 2.0]
    assert clock.time_s == pytest.approx(106.0)
