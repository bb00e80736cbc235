"""A lane a partition: joins the scored chunks that wait, publishes them as one, and acks them in offset order."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from faust.types import TP

from service.worker.chunks import Chunk
from service.worker.outputs import ChunkOutputs
from service.worker.publish import Publisher

_QUEUED_CHUNKS = 4
_SMALL_SHARE = 0.25
_LONGEST_LINGER_S = 0.1
# A transactional id that is idle for transactional.id.expiration.ms (7 days) is forgotten by the broker.
_KEEP_ALIVE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """A chunk with its outputs; `event` is Faust's handle to ack it."""

    chunk: Chunk
    event: Any
    outputs: ChunkOutputs


@dataclass(frozen=True)
class LaneLimits:
    """How far a lane joins chunks: at most `most_records`; waits `linger_s` when the last transaction was small."""

    most_records: int
    linger_s: float


class OffsetOrderError(RuntimeError):
    """A chunk came that does not follow the last one; going on would lose or repeat ads."""


class Lane:
    """Publishes one partition's chunks, strictly in order."""

    def __init__(
        self,
        tp: TP,
        publisher: Publisher,
        limits: LaneLimits,
        settle: Callable[[ScoredChunk], Awaitable[None]],
        fail: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self.tp = tp
        self.publisher = publisher
        self._limits = limits
        self._settle = settle
        self._fail = fail
        self._queue: asyncio.Queue[ScoredChunk] = asyncio.Queue(_QUEUED_CHUNKS)
        self._next_offset = 0
        self._last_size = limits.most_records
        self._last_end_s = self._last_took_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self, next_offset: int) -> None:
        """Begin to publish at `next_offset`, where the consumer was sought to.

        Raises RuntimeError if it runs already: two loops over one queue would publish out of order.
        """
        if self._task is not None:
            raise RuntimeError(f"the lane of {self.tp} runs already")
        self._next_offset = next_offset
        self._task = asyncio.create_task(self._run(), name=f"lane-{self.tp.partition}")

    async def put(self, scored: ScoredChunk) -> None:
        """Queue a chunk; waits while the lane is full, which is the back-pressure."""
        await self._queue.put(scored)

    async def stop(self) -> None:
        """End at once; what is not committed is read again by the next owner."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.publisher.stop()

    async def _run(self) -> None:
        try:
            while True:
                await self._publish(await self._collect())
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, the process must not go on
            await self._fail(error)

    async def _collect(self) -> list[ScoredChunk]:
        try:
            joined = [await asyncio.wait_for(self._queue.get(), _KEEP_ALIVE_S)]
        except TimeoutError:
            return []
        await self._linger()
        size = len(joined[0].chunk.records)
        while not self._queue.empty() and size < self._limits.most_records:
            joined.append(self._queue.get_nowait())
            size += len(joined[-1].chunk.records)
        self._last_size = size
        return joined

    async def _linger(self) -> None:
        # Under load a small transaction costs as much as a large one: give the next a moment to fill, and the longer
        # the last one took the longer a moment, because then the broker or this process is what is short. After a
        # pause in the traffic there is nothing to wait for.
        if self._last_size < self._limits.most_records * _SMALL_SHARE:
            linger_s = max(self._limits.linger_s, min(self._last_took_s, _LONGEST_LINGER_S))
            rest_s = self._last_end_s + linger_s - time.monotonic()
            if rest_s > 0:
                await asyncio.sleep(rest_s)

    async def _publish(self, joined: list[ScoredChunk]) -> None:
        if not joined:
            await self._keep_alive()
            return
        for scored in joined:
            self._follow(scored.chunk)
        started_s = time.monotonic()
        await self.publisher.publish([scored.outputs for scored in joined], joined[-1].chunk.offset + 1)
        self._last_end_s = time.monotonic()
        self._last_took_s = self._last_end_s - started_s
        for scored in joined:
            await self._settle(scored)

    async def _keep_alive(self) -> None:
        await self.publisher.publish([], self._next_offset)

    def _follow(self, chunk: Chunk) -> None:
        if chunk.first_offset < self._next_offset:
            raise OffsetOrderError(f"{self.tp}: chunk at {chunk.first_offset} comes after {self._next_offset} was due")
        self._next_offset = chunk.offset + 1
