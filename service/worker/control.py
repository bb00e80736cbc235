"""Reads, follows and writes the control topic: trips, resumes, replays and halts, the last record of a key counts.

Writers here are idempotent, not transactional: one record is one fact. Replays are written by `replay.py`, in the
transaction that puts the dead letter back.
"""

from collections.abc import AsyncGenerator, AsyncIterator

import structlog
from aiokafka import AIOKafkaProducer
from pydantic import ValidationError

from service.contracts.control import CONTROL_RECORD, AnyControl
from service.worker.connection import Connection, tell_unreachable
from service.worker.topic_reading import ReadRecord, open_topic
from service.worker.topics_cluster import REQUEST_TIMEOUT_MS

_log = structlog.get_logger(__name__)


async def read_control(connection: Connection, topic: str) -> dict[str, AnyControl]:
    """Return the last record of each key, as of now.

    Raises BrokerUnreachableError; RefusedByBrokerError if the topic does not exist.
    """
    async with open_topic(connection, topic) as reader:
        return await _collect(reader.read_to_end())


async def follow_control(connection: Connection, topic: str) -> AsyncGenerator[tuple[str, AnyControl], None]:
    """Yield the last record of each key as of now, then every new one as it comes, for ever.

    It begins with what is there, so that nothing is missed between `read_control` and this, or in an outage.
    Raises as `read_control` when it begins; a later outage is waited out.
    """
    async with open_topic(connection, topic) as reader:
        for key, known in (await _collect(reader.read_to_end())).items():
            yield key, known
        async for record in reader.read_on():
            if (found := _parse(record)) is not None and found[1] is not None:
                yield found[0], found[1]


async def write_control(connection: Connection, topic: str, key: str, record: AnyControl) -> None:
    """Write one record and return when it is durable. Raises BrokerUnreachableError and other KafkaErrors."""
    producer = AIOKafkaProducer(
        **connection, acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS
    )
    with tell_unreachable(connection):
        try:
            await producer.start()
            await producer.send_and_wait(topic, key=key.encode(), value=record.model_dump_json().encode())
        finally:
            await producer.stop()


async def _collect(records: AsyncIterator[ReadRecord]) -> dict[str, AnyControl]:
    last: dict[str, AnyControl] = {}
    async for record in records:
        if (found := _parse(record)) is None:
            continue
        key, known = found
        if known is None:
            last.pop(key, None)
        else:
            last[key] = known
    return last


def _parse(record: ReadRecord) -> tuple[str, AnyControl | None] | None:
    """Return the key and what the record says, None for a tombstone; None for a record that cannot be read."""
    try:
        key = (record.key or b"").decode()
        return key, None if record.value is None else CONTROL_RECORD.validate_json(record.value)
    except (ValidationError, UnicodeDecodeError) as error:
        # A newer release may write kinds that this one does not know: no reason to stop.
        _log.warning(
            "control_record_skipped",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            why=str(error).splitlines()[0],
        )
        return None
