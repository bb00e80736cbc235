"""Writes and reads `ads.strategies.status`: what each worker says of itself, the last record of a worker counts."""

from collections.abc import Iterable

import structlog
from aiokafka import AIOKafkaProducer
from pydantic import ValidationError

from service.contracts.worker_status import WorkerStatus
from service.worker.connection import Connection, tell_unreachable
from service.worker.topic_reading import ReadRecord, open_topic
from service.worker.topics_cluster import REQUEST_TIMEOUT_MS

_log = structlog.get_logger(__name__)
_PARTITION = 0  # one, also on a stand-in for Kafka that always has more


class StatusWriter:
    """Keeps a producer open for one worker's records."""

    def __init__(self, connection: Connection, topic: str, worker: str) -> None:
        self._connection, self._topic, self._key = connection, topic, worker.encode()
        self._producer: AIOKafkaProducer | None = None

    async def write(self, status: WorkerStatus) -> None:
        """Write how the worker stands and return when it is durable. Raises BrokerUnreachableError, KafkaError."""
        await self._send(status.model_dump_json().encode())

    async def leave(self) -> None:
        """Write that the worker is gone. Raises as `write`."""
        await self._send(None)

    async def close(self) -> None:
        """Let go of the connection; another `write` opens a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _send(self, value: bytes | None) -> None:
        with tell_unreachable(self._connection):
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._connection, acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            await self._producer.send_and_wait(self._topic, key=self._key, value=value, partition=_PARTITION)


async def read_statuses(connection: Connection, topic: str) -> dict[str, WorkerStatus]:
    """Return the last record of each worker that has not left. Who has no recent one is gone as well.

    Raises BrokerUnreachableError; RefusedByBrokerError if the topic does not exist.
    """
    async with open_topic(connection, topic) as reader:
        return collect_statuses([record async for record in reader.read_to_end()])


def collect_statuses(records: Iterable[ReadRecord]) -> dict[str, WorkerStatus]:
    """Return the last record of each worker by its id; a tombstone takes it out, what cannot be read is left out."""
    last: dict[str, WorkerStatus] = {}
    for record in records:
        key = (record.key or b"").decode(errors="replace")
        last.pop(key, None)
        if record.value is None:
            continue
        try:
            last[key] = WorkerStatus.model_validate_json(record.value)
        except ValidationError as error:
            why = str(error).splitlines()[0]
            _log.warning("status_record_skipped", topic=record.topic, offset=record.offset, why=why)
    return last
