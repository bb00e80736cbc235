"""Puts dead letters back, each once: a submission and its entry in the ledger (the control topic) in one transaction.

All replays of a dead-letter topic share one transactional id. Starting a replay fences the one before it and settles
its transaction; only then is the ledger read. So of two operators at once, one is told that the other took over.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from service.contracts.control import Replay, name_replay
from service.settings import Settings
from service.worker.connection import Connection, build_connection, tell_unreachable
from service.worker.control import read_control
from service.worker.dead_letters import StoredDeadLetter
from service.worker.deliveries import retrieve, was_fenced
from service.worker.replay_record import PreparedReplay, ReplayOptions, ReplayPreparer, ReplayRefusedError
from service.worker.topics_cluster import REQUEST_TIMEOUT_MS, RefusedByBrokerError, reach_cluster
from service.worker.topics_file import INPUT, load_topics

_BATCH_RECORDS = 100
_BATCH_BYTES = 4_194_304


class ReplayInterruptedError(RuntimeError):
    """The replay stopped before its end; what was told as replayed is, the rest can be replayed again safely."""


class ReplayedLetter(NamedTuple):
    """What became of one dead letter: put back (or would be, in a dry run), or `refused` with the reason.

    `partition` is where it was put; None: the key decided.
    """

    letter: StoredDeadLetter
    refused: ReplayRefusedError | None = None
    partition: int | None = None


async def replay_dead_letters(
    settings: Settings, letters: AsyncGenerator[StoredDeadLetter, None], options: ReplayOptions
) -> AsyncGenerator[ReplayedLetter, None]:
    """Put back each of `letters`, in their order, and yield what became of it once that is durable.

    Raises BrokerUnreachableError, RefusedByBrokerError, ReplayInterruptedError; what was not yielded was not put back.
    """
    connection = build_connection(settings)
    async with aclosing(letters), _open_producer(settings, connection, dry_run=options.dry_run) as producer:
        ledger = await read_control(connection, settings.control_topic)
        preparer = ReplayPreparer(
            connection,
            options,
            ledger,
            settings.submissions_topic,
            await _count_partitions(settings, connection),
            load_topics(settings).topics[INPUT].max_bytes,
        )
        waiting: list[PreparedReplay] = []
        async for letter in letters:
            try:
                waiting.append(await preparer.prepare(letter))
            except ReplayRefusedError as error:
                yield ReplayedLetter(letter, error)
            if len(waiting) >= _BATCH_RECORDS or sum(len(one.value) for one in waiting) >= _BATCH_BYTES:
                await _commit(producer, settings, waiting, options)
                for one in waiting:
                    yield ReplayedLetter(one.letter, partition=one.partition)
                waiting = []
        await _commit(producer, settings, waiting, options)
        for one in waiting:
            yield ReplayedLetter(one.letter, partition=one.partition)


async def _count_partitions(settings: Settings, connection: Connection) -> int:
    async with reach_cluster(connection) as cluster:
        found = await cluster.find_topics([settings.submissions_topic])
    if settings.submissions_topic not in found:
        raise RefusedByBrokerError(f"{settings.submissions_topic}: the topic does not exist; run `sluice topics apply`")
    return found[settings.submissions_topic].partitions


@asynccontextmanager
async def _open_producer(settings: Settings, connection: Connection, *, dry_run: bool) -> AsyncIterator[Any]:
    """Take over the id that all replays share; None in a dry run, which must fence nobody."""
    if dry_run:
        yield None
        return
    producer = AIOKafkaProducer(
        **connection,
        transactional_id=f"sluice-replay-{settings.dead_letters_topic}",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        # the broker judges by the topic's limit
        max_request_size=2**30,
    )
    with tell_unreachable(connection):
        try:
            await producer.start()
            yield producer
        finally:
            await producer.stop()


async def _commit(producer: Any, settings: Settings, prepared: list[PreparedReplay], options: ReplayOptions) -> None:  # noqa: ANN401
    """Write submissions and ledger in one transaction; nothing for an empty list or in a dry run."""
    if not prepared or options.dry_run:
        return
    entry = Replay(by=options.by[:128], at=datetime.now(UTC), mended=options.mended is not None)
    written = entry.model_dump_json().encode()
    sent: list[asyncio.Future[Any]] = []
    try:
        async with producer.transaction():
            for one in prepared:
                name = name_replay(*one.letter.at).encode()
                sent.append(
                    await producer.send(
                        settings.submissions_topic, one.value, one.key, one.partition, headers=one.headers
                    )
                )
                sent.append(await producer.send(settings.control_topic, written, name))
            await asyncio.gather(*sent)
    except Exception as error:
        raise _word_interruption(error, sent, len(prepared)) from error
    finally:
        for delivery in sent:
            delivery.add_done_callback(retrieve)


def _word_interruption(error: Exception, sent: list[asyncio.Future[Any]], count: int) -> ReplayInterruptedError:
    if was_fenced(error, sent):
        return ReplayInterruptedError("another replay took over; look at its result, then run this again")
    return ReplayInterruptedError(
        f"{type(error).__name__}: {error}; the last {count} may be put back or not, but not twice:"
        " `sluice dead-letters list` shows it, and running this again is safe"
    )
