"""Makes a chunk's outputs durable: in one transaction with the input's offset, or before the offset is committed."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aiokafka
import aiokafka.producer.sender
from aiokafka import AIOKafkaProducer, TopicPartition
from faust.types import TP

from service.observability.metrics import Metrics
from service.worker.deliveries import retrieve
from service.worker.outputs import ChunkOutputs, OutputRecord

# The pause after CONCURRENT_TRANSACTIONS, which the broker answers while it writes the last markers; shipped: 20 ms.
aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.005
_RETRY_BACKOFF_MS = 5
_ABORT_TIMEOUT_S = 5.0

IDS_PER_PARTITION = 2
"""Transactional ids a partition, used in turn: the next transaction begins while the last one's markers are written.

Part of the protocol between releases: all workers of a group must fence the same set of ids.
"""


@dataclass(frozen=True)
class OutputTopics:
    """The names of the topics that outputs go to."""

    decisions: str
    review_tasks: str
    dead_letters: str

    def sort_outputs(self, outputs: Iterable[ChunkOutputs]) -> dict[str, list[OutputRecord]]:
        """Return the records for each topic, in the order of their submissions."""
        records: dict[str, list[OutputRecord]] = {self.decisions: [], self.review_tasks: [], self.dead_letters: []}
        for output in outputs:
            records[self.decisions] += output.decisions
            records[self.review_tasks] += output.review_tasks
            records[self.dead_letters] += output.dead_letters
        return records


class Publisher(Protocol):
    """Makes outputs of one input partition durable."""

    async def start(self) -> None:
        """Connect; after that no previous owner of the partition can publish. Raises KafkaError."""

    async def publish(self, outputs: Sequence[ChunkOutputs], next_offset: int) -> None:
        """Return once all outputs are durable; raises KafkaError, and then nothing of them may be acked."""

    async def stop(self) -> None:
        """Disconnect; aborts what is open."""


class TransactionalPublisher:
    """Exactly once: outputs and the input's offset in one transaction."""

    def __init__(self, tp: TP, group: str, topics: OutputTopics, options: Mapping[str, Any], metrics: Metrics) -> None:
        self._tp = tp
        self._group = group
        self._topics = topics
        self._metrics = metrics
        self._producers = [
            AIOKafkaProducer(
                transactional_id=f"{group}-{tp.topic}-{tp.partition}-{number}",
                retry_backoff_ms=_RETRY_BACKOFF_MS,
                **options,
            )
            for number in range(IDS_PER_PARTITION)
        ]
        self._turns = itertools.cycle(self._producers)

    async def start(self) -> None:
        """Initialise all ids: fences their previous owner and settles its open transaction."""
        await asyncio.gather(*(producer.start() for producer in self._producers))

    async def publish(self, outputs: Sequence[ChunkOutputs], next_offset: int) -> None:
        """Commit outputs and offset together. One at a time: the next begins when this one has been committed."""
        producer = next(self._turns)
        started_s = time.monotonic()
        await producer.begin_transaction()
        try:
            deliveries = await send_records(producer, self._topics.sort_outputs(outputs), self._tp.partition)
            offsets = {TopicPartition(self._tp.topic, self._tp.partition): next_offset}
            await producer.send_offsets_to_transaction(offsets, self._group)
            await asyncio.gather(*deliveries)
            await producer.commit_transaction()
        except BaseException:
            self._metrics.record_abort(time.monotonic() - started_s)
            await _abort(producer)
            raise
        submissions = sum(output.tally.submissions for output in outputs)
        self._metrics.record_commit(time.monotonic() - started_s, submissions)

    async def stop(self) -> None:
        """Close the producers; what they had open the broker aborts when the ids are initialised again."""
        await asyncio.gather(*(producer.stop() for producer in self._producers), return_exceptions=True)


class PlainPublisher:
    """At least once: outputs are acknowledged by the broker before the input's offset may be committed."""

    def __init__(self, tp: TP, topics: OutputTopics, options: Mapping[str, Any]) -> None:
        self._tp = tp
        self._topics = topics
        self._producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **options)

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def publish(self, outputs: Sequence[ChunkOutputs], next_offset: int) -> None:  # noqa: ARG002 - Faust commits it
        """Send and wait for all acknowledgements."""
        await asyncio.gather(
            *await send_records(self._producer, self._topics.sort_outputs(outputs), self._tp.partition)
        )

    async def stop(self) -> None:
        """Close the producer."""
        await self._producer.stop()


async def send_records(
    producer: AIOKafkaProducer, records: Mapping[str, Sequence[OutputRecord]], partition: int
) -> list[asyncio.Future[Any]]:
    """Send each topic's records as whole batches to `partition`; returns the deliveries to await, in order."""
    deliveries = [
        await producer.send_batch(batch, topic, partition=partition)
        for topic, topic_records in records.items()
        for batch in build_batches(producer, topic_records)
    ]
    for delivery in deliveries:
        # When the transaction fails before its deliveries are awaited, asyncio would log each as never retrieved.
        delivery.add_done_callback(retrieve)
    return deliveries


def build_batches(producer: AIOKafkaProducer, records: Sequence[OutputRecord]) -> list[Any]:
    """Fill as few batches as the producer's batch size allows, in order."""
    batches: list[Any] = []
    for record in records:
        if not batches or not _append(batches[-1], record):
            batches.append(producer.create_batch())
            if not _append(batches[-1], record):
                raise ValueError(f"a record of {len(record.value or b''):,} bytes fits no batch")
    for batch in batches:
        batch.close()
    return batches


def _append(batch: Any, record: OutputRecord) -> bool:  # noqa: ANN401 - aiokafka is untyped
    # aiokafka's C extension takes a list and nothing else
    added = batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
    return added is not None


async def _abort(producer: AIOKafkaProducer) -> None:
    # Best effort, to free the output's last stable offset early: the next owner's fence aborts it anyway.
    with contextlib.suppress(Exception):
        await asyncio.wait_for(producer.abort_transaction(), _ABORT_TIMEOUT_S)
