"""Sends superseding decisions and their review tasks, each once: one transaction a batch, checked right before.

All rescans of a decisions topic share one transactional id. Starting one fences the one before it and settles its
transaction; only then are the decisions read. So nothing that an interrupted rescan sent is sent again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

from service.settings import Settings
from service.worker.connection import BrokerUnreachableError, Connection, tell_unreachable
from service.worker.deliveries import retrieve, was_fenced
from service.worker.rescan_findings import Finding
from service.worker.topics_cluster import REQUEST_TIMEOUT_MS

_BATCH_BYTES = 1_000_000


class RescanInterruptedError(RuntimeError):
    """The rescan stopped before its end; what it told as sent is, and running it again sends the rest."""


@asynccontextmanager
async def open_rescan_producer(settings: Settings, connection: Connection) -> AsyncIterator[Any]:
    """Take over the id that all rescans share. Raises BrokerUnreachableError."""
    producer = AIOKafkaProducer(
        **connection,
        transactional_id=f"sluice-rescan-{settings.decisions_topic}",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        # the broker judges by the topic's limit
        max_request_size=2**30,
        # A transaction's records of one partition are one batch, mostly: none waits for another to be answered.
        max_batch_size=_BATCH_BYTES,
    )
    with tell_unreachable(connection):
        try:
            await producer.start()
            yield producer
        finally:
            await producer.stop()


async def send_findings(producer: Any, settings: Settings, batch: Sequence[Finding]) -> None:  # noqa: ANN401 - untyped
    """Write a batch in one transaction. Raises RescanInterruptedError; then all of it may be there, or none."""
    sent: list[asyncio.Future[Any]] = []
    try:
        async with producer.transaction():
            for one in batch:
                key = one.ad_id.encode()
                sent.append(await producer.send(settings.decisions_topic, one.decision, key, one.partition))
                if one.review_task is not None:
                    sent.append(await producer.send(settings.review_tasks_topic, one.review_task, key, one.partition))
            await asyncio.gather(*sent)
    except BrokerUnreachableError:
        raise
    except Exception as error:
        raise _word_interruption(error, sent, len(batch)) from error
    finally:
        for delivery in sent:
            delivery.add_done_callback(retrieve)


def _word_interruption(error: Exception, sent: list[asyncio.Future[Any]], count: int) -> RescanInterruptedError:
    if was_fenced(error, sent):
        return RescanInterruptedError("another rescan took over; wait for its end, then run this again")
    text = f"{type(error).__name__}: {error}; the last {count} may be sent or not, but not twice"
    return RescanInterruptedError(f"{text}: run the same command again")
