"""Candidate: the loop one would write by hand with aiokafka alone: poll, moderate, send, await, commit.

At least once. It calls the same pipeline and builds the same batches as the worker, with the same sizes, acks and
isolation, and leaves out all else: no metrics, no health, no guard, no drain, no transaction, no care at a rebalance.
"""

import asyncio

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from loadtests.candidates.task import load_pipeline, parse_task
from loadtests.stopwatch import Stopwatch
from service.settings import Settings, load_settings
from service.worker.connection import build_connection
from service.worker.outputs import Pipeline
from service.worker.publish import OutputTopics, send_records

_BATCH_BYTES = 524_288
_POLL_MS = 500


async def run(settings: Settings, pipeline: Pipeline, watch: Stopwatch) -> None:
    """Work until the stopwatch has seen enough."""
    topics = OutputTopics(settings.decisions_topic, settings.review_tasks_topic, settings.dead_letters_topic)
    consumer = _make_consumer(settings)
    producer = AIOKafkaProducer(
        acks="all", enable_idempotence=True, linger_ms=0, max_batch_size=_BATCH_BYTES, **build_connection(settings)
    )
    await producer.start()
    await consumer.start()
    try:
        while not watch.done:
            # As many as the worker takes at once from its client; of one partition first, as getmany() gives them.
            polled = await consumer.getmany(timeout_ms=_POLL_MS, max_records=settings.chunk_records * 4)
            if not polled:
                continue
            watch.start()
            deliveries: list[asyncio.Future[object]] = []
            for tp, records in polled.items():
                outputs = pipeline(records)
                deliveries += await send_records(producer, topics.sort_outputs([outputs]), tp.partition)
            await asyncio.gather(*deliveries)
            await consumer.commit()
            watch.count(sum(map(len, polled.values())))
    finally:
        await consumer.stop()
        await producer.stop()


def _make_consumer(settings: Settings) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        settings.submissions_topic,
        group_id=settings.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=settings.fetch_partition_bytes,
        fetch_max_wait_ms=_POLL_MS,
        **build_connection(settings),
    )


def main() -> None:
    """Do the task of the command line."""
    task, settings = parse_task(), load_settings()
    uvloop.run(run(settings, load_pipeline(task, settings), Stopwatch(task.ads, task.result)))


if __name__ == "__main__":
    main()
