import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from faust.types import TP

from service.worker.chunks import Chunk
from service.worker.lanes import Lane, LaneLimits, OffsetOrderError, ScoredChunk
from service.worker.outputs import ChunkOutputs
from tests.unit.worker.test_chunks import Record

PARTITION = TP("in", 0)


@dataclass
class FakePublisher:
    """Keeps what was published; waits while `hold` is clear; fails with `error`."""

    error: Exception | None = None
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    published: list[tuple[int, int]] = field(default_factory=list)
    stopped: bool = False

    async def start(self) -> None:
        self.hold.set()

    async def publish(self, outputs: Sequence[ChunkOutputs], next_offset: int) -> None:
        await self.hold.wait()
        if self.error is not None:
            raise self.error
        self.published.append((len(outputs), next_offset))

    async def stop(self) -> None:
        self.stopped = True


@dataclass
class Bench:
    """A lane with what it settled and how it failed."""

    lane: Lane
    publisher: FakePublisher
    settled: list[int] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)


async def make_bench(publisher: FakePublisher | None = None, most_records: int = 4) -> Bench:
    publisher = publisher or FakePublisher()
    settled: list[int] = []
    failures: list[BaseException] = []

    async def settle(scored: ScoredChunk) -> None:
        settled.append(scored.chunk.offset)

    async def fail(error: BaseException) -> None:
        failures.append(error)

    lane = Lane(PARTITION, publisher, LaneLimits(most_records, 0.0), settle, fail)
    await publisher.start()
    return Bench(lane, publisher, settled, failures)


def make_scored(first: int, last: int) -> ScoredChunk:
    event: Any = None
    records = [Record(b"", offset) for offset in range(first, last + 1)]
    chunk = Chunk("in", 0, last, 0.0, 0, (), None, b"", None, 0, 0, PARTITION, generation_id=1)
    chunk.records = records
    return ScoredChunk(chunk, event, ChunkOutputs())


async def run_until(condition: Any) -> None:  # noqa: ANN401 - any callable
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_chunks_that_wait_are_joined_in_order_and_settled_after_publishing() -> None:
    """One transaction takes what waits, up to its bound, with the offset after its last record."""
    bench = await make_bench()
    bench.lane.start(0)
    bench.publisher.hold.clear()
    for first in (0, 2, 4, 6):
        await bench.lane.put(make_scored(first, first + 1))
    await asyncio.sleep(0.01)
    assert bench.settled == []
    bench.publisher.hold.set()
    await run_until(lambda: len(bench.settled) == 4)
    assert bench.publisher.published == [(2, 4), (2, 8)]
    assert bench.settled == [1, 3, 5, 7]
    await bench.lane.stop()
    assert bench.publisher.stopped


async def test_a_failed_publish_settles_nothing_and_ends_the_process() -> None:
    """What is not durable must not be acked, and nothing may be published behind it."""
    error = ConnectionError("fenced")
    bench = await make_bench(FakePublisher(error=error))
    bench.lane.start(0)
    await bench.lane.put(make_scored(0, 1))
    await bench.lane.put(make_scored(2, 3))
    await run_until(lambda: bench.failures)
    assert bench.failures == [error]
    assert bench.settled == []
    await bench.lane.stop()


async def test_a_chunk_below_the_due_offset_ends_the_process() -> None:
    """Publishing an offset twice would decide ads twice."""
    bench = await make_bench()
    bench.lane.start(10)
    await bench.lane.put(make_scored(9, 12))
    await run_until(lambda: bench.failures)
    assert isinstance(bench.failures[0], OffsetOrderError)
    assert bench.publisher.published == []
    await bench.lane.stop()


async def test_a_full_lane_makes_the_worker_wait() -> None:
    """The bound on queued chunks is the back-pressure."""
    bench = await make_bench()
    bench.publisher.hold.clear()
    bench.lane.start(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            for number in range(100):
                await bench.lane.put(make_scored(number, number))
    await bench.lane.stop()
