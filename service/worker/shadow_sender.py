"""Sends shadow decisions by a producer of its own: idempotent, outside of any transaction, and allowed to fail.

What cannot be sent is counted and left out. A broker that is away fills what waits here, then the shadow's buffer, and
from there on ads are dropped; live does not notice.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer

from service.observability.metrics import Metrics
from service.worker.outputs import OutputRecord
from service.worker.publish import build_batches
from service.worker.shadow_record import ShadowRecord

_log = structlog.get_logger(__name__)

# Between two sends: each costs the event loop a request, whatever it holds.
_GATHER_S = 0.1
_RETRY_S = 2.0
_FLUSH_WITHIN_S = 2.0
_MOST_WAITING = 4_096

MakeProducer = Callable[[], AIOKafkaProducer]


class ShadowSender:
    """Lives on the event loop, but for `has_room`, which any thread may ask."""

    def __init__(self, make_producer: MakeProducer, topic: str, metrics: Metrics) -> None:
        self._make_producer = make_producer
        self._topic = topic
        self._metrics = metrics
        self._waiting: list[ShadowRecord] = []
        self._more = asyncio.Event()
        self._stopping = asyncio.Event()
        self._producer: Any = None
        self._told = False
        self._task: asyncio.Task[None] | None = None

    def has_room(self) -> bool:
        """Say whether more records may be put."""
        return len(self._waiting) < _MOST_WAITING

    def put(self, records: Sequence[ShadowRecord]) -> None:
        """Have records sent soon."""
        self._waiting += records
        self._more.set()

    def start(self) -> None:
        """Begin to send; connects at the first record, so that a worker without a candidate opens nothing."""
        self._task = asyncio.create_task(self._run(), name="shadow-sender")

    async def stop(self) -> None:
        """Send what waits, for two seconds at most, and disconnect."""
        self._stopping.set()
        self._more.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, _FLUSH_WITHIN_S)
        if self._waiting:
            self._metrics.record_shadow_dropped("stopped", len(self._waiting))
            self._waiting = []
        await self._disconnect()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._more.wait()
            await self._pause(_GATHER_S)
            if not await self._send_waiting():
                await self._pause(_RETRY_S)
        await self._send_waiting()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _send_waiting(self) -> bool:
        """Send all that waits; says whether the broker can be reached."""
        if not self._waiting:
            self._more.clear()
            return True
        try:
            await self._connect()
        except Exception as error:  # noqa: BLE001 - whatever it is, live goes on; the records wait
            self._tell(error)
            await self._disconnect()
            return False
        records, self._waiting = self._waiting, []
        self._more.clear()
        try:
            await self._send(records)
        except BaseException as error:
            self._metrics.record_shadow_dropped("not_sent", len(records))
            await self._disconnect()
            if not isinstance(error, Exception):
                raise
            self._tell(error)
            return False
        self._metrics.record_shadow_sent(len(records))
        self._told = False
        return True

    async def _connect(self) -> None:
        if self._producer is None:
            self._producer = self._make_producer()
            await self._producer.start()

    async def _disconnect(self) -> None:
        # A producer that failed may have lost count of its sequence numbers: the next begins with an id of its own.
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(producer.stop(), _FLUSH_WITHIN_S)

    async def _send(self, records: Sequence[ShadowRecord]) -> None:
        deliveries = [
            await self._producer.send_batch(batch, self._topic, partition=partition)
            for partition, sorted_records in _sort(records).items()
            for batch in build_batches(self._producer, sorted_records)
        ]
        results = await asyncio.gather(*deliveries, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _tell(self, error: Exception) -> None:
        if not self._told:  # once an outage
            self._told = True
            remedy = "live is not affected; the candidate's results are lost until the shadow topic can be written to"
            _log.warning("shadow_not_sent", topic=self._topic, error=repr(error), remedy=remedy)


def _sort(records: Sequence[ShadowRecord]) -> Mapping[int, list[OutputRecord]]:
    by_partition: dict[int, list[OutputRecord]] = defaultdict(list)
    for partition, record in records:
        by_partition[partition].append(record)
    return by_partition
