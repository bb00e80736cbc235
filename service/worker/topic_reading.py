"""Reads a topic without a group: to its present end, on from there, or one record; committed records only.

What the control topic, the dead letters and past ads are read with. Nothing is committed, so reading changes nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from service.worker.connection import BrokerUnreachableError, Connection, tell_unreachable
from service.worker.header_names import accept_any_header_name
from service.worker.topics_cluster import REQUEST_TIMEOUT_MS, RefusedByBrokerError, reach_cluster

_POLL_MS = 500
_SILENCE_POLLS = 60
"""Polls in a row, half a second each, without a record or a step ahead, after which the broker counts as gone."""


class ReadRecord(Protocol):
    """A record as aiokafka gives it; `timestamp` is in milliseconds since 1970."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - Kafka's words
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...  # noqa: D102


class TopicReader:
    """A consumer of all partitions of one topic; made by `open_topic`."""

    def __init__(self, consumer: Any, partitions: Sequence[TopicPartition]) -> None:  # noqa: ANN401 - aiokafka is untyped
        self._consumer = consumer
        self._partitions = partitions

    async def read_to_end(self, since_ms: int | None = None) -> AsyncIterator[ReadRecord]:
        """Yield what lies in the topic now, in order within a partition; `since_ms` skips what is older."""
        ends: Mapping[TopicPartition, int] = await self._consumer.end_offsets(self._partitions)
        await self._seek(ends, since_ms)
        silent = 0
        while not await self._has_reached(ends):
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
            silent = 0 if fetched else silent + 1
            if silent > _SILENCE_POLLS:
                raise BrokerUnreachableError("the broker stopped answering while a topic was read; try again")
            for tp, records in fetched.items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record
        # Records that came in meanwhile were fetched with the last ones; who reads on must get them.
        for tp, end in ends.items():
            self._consumer.seek(tp, end)

    async def read_on(self) -> AsyncIterator[ReadRecord]:
        """Yield what comes after the end that `read_to_end` met, for ever; an outage of the broker is waited out."""
        while True:
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
            for records in fetched.values():
                for record in records:
                    yield record

    async def ask_end(self) -> None:
        """Have the broker answer for every partition, which who waits in `read_on` cannot tell from silence.

        Raises a KafkaError if it does not, after its time.
        """
        await self._consumer.end_offsets(self._partitions)

    async def read_one(self, partition: int, offset: int) -> ReadRecord | None:
        """Return the record at these coordinates; None if there is none (any more)."""
        tp = TopicPartition(self._partitions[0].topic, partition)
        if tp not in self._partitions:
            return None
        starts = await self._consumer.beginning_offsets([tp])
        ends = await self._consumer.end_offsets([tp])
        if not starts[tp] <= offset < ends[tp]:
            return None
        self._consumer.pause(*(other for other in self._partitions if other != tp))
        self._consumer.seek(tp, offset)
        for _ in range(_SILENCE_POLLS):
            fetched = await self._consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=1)
            for record in fetched.get(tp, ()):
                return record if record.offset == offset else None
            if await self._consumer.position(tp) > offset:  # a transaction marker, or compacted away
                return None
        raise BrokerUnreachableError("the broker stopped answering while a record was read; try again")

    async def find_bounds(self) -> dict[int, tuple[int, int]]:
        """Return each partition's first offset and its end (the offset that the next record will get)."""
        starts = await self._consumer.beginning_offsets(self._partitions)
        ends = await self._consumer.end_offsets(self._partitions)
        return {tp.partition: (starts[tp], ends[tp]) for tp in self._partitions}

    async def find_offsets(self, since_ms: int) -> dict[int, int | None]:
        """Return by partition the offset of the first record that is not older; None if there is none."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._partitions, since_ms))
        return {tp.partition: None if found.get(tp) is None else found[tp].offset for tp in self._partitions}

    async def read_partition(self, partition: int, start: int, end: int) -> AsyncIterator[list[ReadRecord]]:
        """Yield the records of one partition with offsets in [start, end), in order, as many at once as came.

        Only this partition is fetched meanwhile, so who reads one after the other gets the same order every time.
        """
        tp = TopicPartition(self._partitions[0].topic, partition)
        self._consumer.pause(*(other for other in self._partitions if other != tp))
        self._consumer.resume(tp)
        self._consumer.seek(tp, start)
        silent = 0
        while await self._consumer.position(tp) < end:
            fetched = await self._consumer.getmany(tp, timeout_ms=_POLL_MS)
            silent = 0 if fetched else silent + 1
            if silent > _SILENCE_POLLS:
                raise BrokerUnreachableError("the broker stopped answering while a topic was read; try again")
            if records := [record for record in fetched.get(tp, ()) if record.offset < end]:
                yield records

    async def _seek(self, ends: Mapping[TopicPartition, int], since_ms: int | None) -> None:
        await self._consumer.seek_to_beginning(*self._partitions)
        if since_ms is None:
            return
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._partitions, since_ms))
        for tp, start in found.items():
            self._consumer.seek(tp, ends[tp] if start is None else start.offset)

    async def _has_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all([await self._consumer.position(tp) >= end for tp, end in ends.items()])


@asynccontextmanager
async def open_topic(connection: Connection, topic: str) -> AsyncIterator[TopicReader]:
    """Open a topic for reading. Raises BrokerUnreachableError; RefusedByBrokerError if there is no such topic."""
    async with reach_cluster(connection) as cluster:
        found = await cluster.find_topics([topic])
    if topic not in found:
        raise RefusedByBrokerError(f"{topic}: the topic does not exist; run `sluice topics apply`")
    consumer = AIOKafkaConsumer(
        **connection,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )
    accept_any_header_name()
    partitions = [TopicPartition(topic, number) for number in range(found[topic].partitions)]
    with tell_unreachable(connection):
        try:
            await consumer.start()
            consumer.assign(partitions)
            # aiokafka's stop() raises CancelledError if its own background task has not had a first turn.
            await asyncio.sleep(0)
            yield TopicReader(consumer, partitions)
        finally:
            await consumer.stop()
