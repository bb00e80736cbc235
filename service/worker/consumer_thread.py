"""The thread that holds the aiokafka consumer: repairs of Faust's driver, and what the event loop asks of the consumer.

Everything that moves a position happens in this thread, so that it can be told which records lie behind which seek.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import aiokafka
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread as DriverThread
from faust.types import TP

from service.worker.header_names import accept_any_header_name
from service.worker.outputs import InputRecord


class Fetched(dict[TP, Sequence[InputRecord]]):
    """Records by partition, with the epoch in which they were taken off the fetcher."""

    epoch: int = 0


class Sought(NamedTuple):
    """The offsets that a seek went to, of all assigned partitions, and the epoch that it began."""

    offsets: Mapping[TP, int]
    epoch: int


class ConsumerThread(DriverThread):  # type: ignore[misc]
    """The thread that holds the aiokafka consumer, so that heartbeats go on whatever the event loop does."""

    def _create_worker_consumer(self, _transport: object) -> aiokafka.AIOKafkaConsumer:
        # Kafka takes header names that aiokafka cannot read: one such record would stop its partition for ever.
        accept_any_header_name()
        # Faust would read uncommitted submissions under at_least_once, and fixes the fetch wait at 1.5 s.
        self._assignor = RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **self.app.consumer_options,
        )

    _epoch = 0

    async def seek_to_final_offsets(self) -> Sought:
        """Seek to the offsets that the group's coordinator has now; aiokafka's own copy may be older than the fence."""
        return await self.call_thread(self._seek_to_final_offsets)  # type: ignore[no-any-return]

    async def _seek_to_final_offsets(self) -> Sought:
        consumer = self._ensure_consumer()
        partitions = list(consumer.assignment())
        found = await consumer._coordinator.fetch_committed_offsets(partitions)  # noqa: SLF001 - no public call asks anew
        offsets = {tp: found[tp].offset for tp in partitions if tp in found and found[tp].offset >= 0}
        # A partition without a committed offset is sought to as well: its position may have moved since the rebalance.
        unread = [tp for tp in partitions if tp not in offsets]
        if unread:
            offsets |= await consumer.beginning_offsets(unread)
        for tp, offset in offsets.items():
            consumer.seek(tp, offset)
        # Same thread, no await since the seek: what is taken off the fetcher from here on continues it without a gap.
        self._epoch += 1
        return Sought({TP(tp.topic, tp.partition): offset for tp, offset in offsets.items()}, self._epoch)

    # A stop in the midst of a rebalance cancels what the two below wait for. aiokafka's own task must outlive that:
    # it leaves the group at its end, and without that the partitions would wait for the session to time out.

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Wait until the event loop has drained."""
        with self._stop_ends_the_wait():
            await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Wait until the event loop has fenced and sought."""
        with self._stop_ends_the_wait():
            await super().on_partitions_assigned(assigned, generation_id)

    @contextmanager
    def _stop_ends_the_wait(self) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    def close(self) -> None:
        """Do nothing: the thread closes its consumer as it stops.

        Faust calls this when a stop meets a rebalance, closes the consumer from the wrong event loop, which fails, and
        marks it closed: it would neither leave the group nor say so.
        """

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> Fetched:  # noqa: ANN401 - passed on
        fetched = Fetched(await super()._fetch_records(*args, **kwargs))
        fetched.epoch = self._epoch
        return fetched

    async def read_positions(self) -> dict[TP, tuple[int | None, int]]:
        """Return, for each assigned partition, the consumer's position and the partition's last stable offset."""
        return await self.call_thread(self._read_positions)  # type: ignore[no-any-return]

    async def _read_positions(self) -> dict[TP, tuple[int | None, int]]:
        consumer = self._ensure_consumer()
        # The driver calls the fetcher directly and so never sees that the group has failed for good.
        consumer._coordinator.check_errors()  # noqa: SLF001 - the same call that getmany() makes
        ends = await consumer.end_offsets(list(consumer.assignment()))
        found = {}
        for tp, end in ends.items():
            state = consumer._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001 - position() would wait
            if state is not None:
                found[TP(tp.topic, tp.partition)] = (state.position if state.has_valid_position else None, end)
        return found
