"""Faust's consumer, taught to hand over chunks: consecutive records of one partition, tracked and acked as one message.

Faust's cost is per message, so it gets fewer of them. Everything else of Faust stays: agent, stream, acks, rebalance,
drain. Repairs of the driver that this needs are here and in `consumer_thread`, each with its reason.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from faust.transport.drivers.aiokafka import Consumer as DriverConsumer
from faust.transport.drivers.aiokafka import Transport as DriverTransport
from faust.types import TP, ConsumerMessage

from service.worker.consumer_thread import ConsumerThread, Fetched, Sought
from service.worker.outputs import InputRecord


class Chunk(ConsumerMessage):  # type: ignore[misc]
    """Consecutive records of one partition. Its offset is the last record's, so acking it acks them all.

    `epoch` counts the seeks to committed offsets: only a chunk of the latest is followed by all that comes after it.
    """

    records: Sequence[InputRecord] = ()
    epoch: int = 0

    @property
    def first_offset(self) -> int:
        """The offset of the first record."""
        return self.records[0].offset


def cut_records(records: Sequence[InputRecord], most_records: int, most_bytes: int) -> list[Sequence[InputRecord]]:
    """Cut consecutive records into runs within both bounds; a single record larger than `most_bytes` is a run."""
    runs: list[Sequence[InputRecord]] = []
    start = size = 0
    for index, record in enumerate(records):
        record_bytes = len(record.value or b"")
        if index > start and (index - start >= most_records or size + record_bytes > most_bytes):
            runs.append(records[start:index])
            start, size = index, 0
        size += record_bytes
    if start < len(records):
        runs.append(records[start:])
    return runs


class ChunkConsumer(DriverConsumer):  # type: ignore[misc]
    """A Faust consumer that delivers chunks and starts each partition behind its fence."""

    _epoch = 0

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401 - mode's Service is untyped
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):  # noqa: SLF001 - Faust's own drain does it
                fetched, _ = await self._wait_next_records(1.0)
                # A fetch may outlast a rebalance and come back before the flow resumes, with records of before or
                # behind its seek: only then can be told which. (Faust's own drain would seek here, in the middle of
                # a rebalance, to offsets read before the fence.)
                if fetched and not self.flow_active:
                    await self.wait(self.can_resume_flow)
                if fetched and not self.should_stop:
                    await self._deliver(fetched)
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            # In a rebalance Faust takes any cancellation for a crash of its fetcher; this one is the worker's stop.
            if not self.app.should_stop:
                raise
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise

    async def _deliver(self, fetched: Fetched) -> None:
        for tp, records in fetched.items():
            # After a seek the fetcher may still hold records below the position.
            start = self._read_offset.get(tp) or 0
            fresh = records if records[0].offset >= start else [r for r in records if r.offset >= start]
            for run in cut_records(fresh, self.app.chunk_records, self.app.chunk_bytes):
                # What was fetched before the latest seek is read again behind it. What was fetched after it must not
                # be dropped: the fetcher's position has passed it.
                if not self.flow_active or fetched.epoch != self._epoch:
                    return
                await self.wait_first(self.callback(self._make_chunk(tp, run)), self.suspend_flow.wait())
                if not self.flow_active:
                    return
                self._read_offset[tp] = run[-1].offset + 1

    def _make_chunk(self, tp: TP, records: Sequence[InputRecord]) -> Chunk:
        last = records[-1]
        chunk = Chunk(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, 0, (), None, b"", None, 0, 0, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip
        chunk.records = records
        chunk.epoch = self._epoch
        return chunk

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Drain what is in flight; called by Faust at the start of a rebalance."""
        self.app.begin_drain()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Fence the previous owners, then let Faust seek and start; any failure ends the process.

        aiokafka logs and swallows what a rebalance listener raises: the worker would sit there without partitions.
        """
        if self.app.should_stop:
            # A worker that leaves must not fence whoever owns the partitions next.
            await super().on_partitions_assigned(assigned, generation_id)
            return
        try:
            await self.app.fence(assigned)
        except Exception as error:  # noqa: BLE001 - see above
            await self.app.crash(error)
            return
        await super().on_partitions_assigned(assigned, generation_id)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the offsets that are committed now, behind the fence, or to the beginning where there is none."""
        sought: Sought = await self._thread.seek_to_final_offsets()
        self._epoch = sought.epoch
        self.app.start_lanes(sought)
        return sought.offsets

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        if self.app.commits_in_transactions:
            return True
        return await super()._commit(offsets)  # type: ignore[no-any-return]

    def _new_offset(self, tp: TP) -> int | None:
        # A lane acks in offset order, so the highest acked offset has no gap below it (Faust would invent some).
        acked = self._acked[tp]
        if not acked:
            return None
        offset: int = max(acked) + 1
        acked.clear()
        self._acked_index[tp].clear()
        return offset

    # A full queue blocks the drain, which is the back-pressure; Faust's own would put the fetch loop to sleep for 1 s.
    def on_buffer_full(self, tp: TP) -> None:
        """Do nothing."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing."""

    def forget(self, chunk: Chunk) -> None:
        """Stop tracking a chunk that will be read again, so that a drain does not wait for it."""
        self._unacked_messages.discard(chunk)


class ChunkTransport(DriverTransport):  # type: ignore[misc]
    """Faust's aiokafka transport with the consumer above."""

    Consumer = ChunkConsumer
