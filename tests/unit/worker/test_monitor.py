import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError, UnknownMemberIdError

from service.contracts.control import Trip
from service.observability.health import Sighting, WorkerState, judge_liveness, judge_readiness
from service.observability.metrics import Metrics
from service.worker.app import WorkerApp
from service.worker.gate import Gate
from service.worker.guard import Breach
from service.worker.monitor import Monitor

INTERVAL_S = 0.001


class FakeApp:
    """Stands for the worker's app: shows the sightings or raises the error that it is given."""

    def __init__(self, *sightings: Sighting) -> None:
        self.sightings = list(sightings)
        self.error: Exception | None = None
        self.crashes: list[BaseException] = []
        self.looks = 0

    async def sight_partitions(self) -> list[Sighting]:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return self.sightings

    def count_in_flight_chunks(self) -> int:
        return 5

    async def crash(self, error: BaseException) -> None:
        self.crashes.append(error)


class Bench:
    """A monitor over a fake app, watched until it has looked as often as a test wants."""

    def __init__(self, *sightings: Sighting) -> None:
        self.app = FakeApp(*sightings)
        self.metrics = Metrics()
        self.gate = Gate(lambda: "build-1", "host:1", self.metrics, self._record)
        state = WorkerState(stall_s=0.0001, model_loaded=True, bundle_loaded=True)
        self.monitor = Monitor(state, self.gate, self.metrics, INTERVAL_S)
        self.monitor.note_topics_checked()

    async def _record(self, trip: Trip) -> None:
        pass

    async def look(self, times: int = 2) -> WorkerState:
        """Let the monitor look so often, and return the state."""
        until = self.app.looks + times
        watching = asyncio.create_task(self.monitor.watch(cast("WorkerApp", self.app)))
        while self.app.looks < until:
            await asyncio.sleep(0)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        return self.monitor.state

    def read_metric(self, name: str) -> float:
        page = self.metrics.render()[0].decode()
        return next(float(line.split()[-1]) for line in page.splitlines() if line.startswith(name))


def stuck(partition: int = 0) -> Sighting:
    return Sighting(partition, position=10, end=50)


async def test_a_look_tells_lag_readiness_and_what_is_in_flight() -> None:
    """The metrics and /readyz show what was seen, by partition."""
    bench = Bench(stuck(1), Sighting(0, 7, 7))
    state = await bench.look()
    assert [partition.seen.partition for partition in state.partitions] == [0, 1]
    assert judge_readiness(state).ok
    assert bench.read_metric('sluice_lag_submissions{partition="1"}') == 40
    assert bench.read_metric("sluice_in_flight_chunks") == 5
    assert bench.read_metric("sluice_ready ") == 1


async def test_without_partitions_the_worker_is_not_ready() -> None:
    """More workers than partitions is no failure, and no readiness either."""
    bench = Bench()
    state = await bench.look()
    assert not judge_readiness(state).ok
    assert judge_liveness(state, 1e12).ok
    assert bench.read_metric("sluice_ready ") == 0


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError("gone"), OSError("no route"), KafkaConnectionError("no broker")]
)
async def test_a_broker_that_does_not_answer_is_a_state(error: Exception) -> None:
    """An outage excuses standing still; nothing crashes, and the last positions stay."""
    bench = Bench(stuck())
    await bench.look()
    bench.app.error = error
    state = await bench.look()
    assert not state.broker_reachable
    assert bench.app.crashes == []
    assert [partition.seen for partition in state.partitions] == [stuck()]
    assert judge_liveness(state, 1e12).ok


async def test_when_the_broker_is_back_the_clock_starts_anew() -> None:
    """The outage does not count as time without progress, but what comes after it does."""
    bench = Bench(stuck())
    before = await bench.look()
    bench.app.error = KafkaConnectionError("no broker")
    await bench.look()
    bench.app.error = None
    state = await bench.look(1)
    assert state.broker_reachable
    assert state.partitions[0].progress_at_s > before.partitions[0].progress_at_s
    assert not judge_liveness(state, 1e12).ok


async def test_standing_still_keeps_the_clock() -> None:
    """Looking again and again is no progress."""
    bench = Bench(stuck())
    first = await bench.look()
    again = await bench.look(5)
    assert again.partitions == first.partitions


async def test_progress_moves_the_clock() -> None:
    """A position that moves is progress, however far behind it is."""
    bench = Bench(stuck())
    first = await bench.look()
    bench.app.sightings = [Sighting(0, position=11, end=500)]
    moved = await bench.look()
    assert moved.partitions[0].progress_at_s > first.partitions[0].progress_at_s


async def test_a_fatal_error_ends_the_worker() -> None:
    """What no waiting mends is a crash: a restart, or a person, has to."""
    bench = Bench(stuck())
    bench.app.error = TopicAuthorizationFailedError("ads.submissions")
    await bench.look()
    assert bench.app.crashes
    assert all(error is bench.app.error for error in bench.app.crashes)


@pytest.mark.parametrize("make", [lambda: UnknownMemberIdError("m"), lambda: RuntimeError("bug"), lambda: KeyError(1)])
async def test_an_error_that_cannot_be_retried_ends_the_worker(make: Callable[[], Exception]) -> None:
    """A bug in the look itself must not hide behind 'unreachable' for ever."""
    bench = Bench(stuck())
    bench.app.error = make()
    await bench.look()
    assert bench.app.crashes[0] is bench.app.error


async def test_a_tripped_worker_is_excused_and_not_ready() -> None:
    """A trip stops all on purpose: killing the worker would mend nothing."""
    bench = Bench(stuck())
    before = await bench.look()
    await bench.gate.close(Breach("moderation_failed", "30 of 100 failed"), "build-1")
    state = await bench.look()
    assert state.tripped == "30 of 100 failed"
    assert state.partitions[0].progress_at_s > before.partitions[0].progress_at_s
    assert judge_liveness(state, 1e12).ok
    verdict = judge_readiness(state)
    assert not verdict.ok
    assert "30 of 100 failed" in verdict.reasons[-1]
    assert bench.read_metric("sluice_ready ") == 0


async def test_a_trip_is_seen_between_looks() -> None:
    """/readyz says so at once, not at the next look."""
    bench = Bench(stuck())
    await bench.look()
    await bench.gate.close(Breach("moderation_failed", "30 of 100 failed"), "build-1")
    assert bench.monitor.state.tripped == "30 of 100 failed"


async def test_a_revoked_partition_is_forgotten() -> None:
    """Another worker's lag is not this one's."""
    bench = Bench(stuck(0), stuck(1))
    await bench.look()
    bench.app.sightings = [stuck(1)]
    state = await bench.look()
    page: Any = bench.metrics.render()[0].decode()
    assert [partition.seen.partition for partition in state.partitions] == [1]
    assert 'sluice_lag_submissions{partition="0"}' not in page


async def test_a_cancelled_watch_ends() -> None:
    """A worker that leaves must not go on looking, whenever the cancellation comes."""
    for turns in range(12):
        bench = Bench(stuck())
        watching = asyncio.create_task(bench.monitor.watch(cast("WorkerApp", bench.app)))
        for _ in range(turns):
            await asyncio.sleep(0)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
