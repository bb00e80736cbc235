"""Watches the status topic while a command waits: what each worker that still reports says of itself.

A worker counts as alive if it reported within `horizon_s`, by the record's time, or while this was watching.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from pydantic import ValidationError

from service.contracts.worker_status import WorkerStatus
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.topic_reading import ReadRecord, TopicReader, open_topic

_LEAST_HORIZON_S = 10.0
_MISSED_REPORTS = 5


class Heard(NamedTuple):
    """A worker's last report, and how long ago it came, in seconds."""

    status: WorkerStatus
    age_s: float


class StatusBoard:
    """The last report of each worker; `take` is called with each record as it comes."""

    def __init__(self, horizon_s: float) -> None:
        self.horizon_s = horizon_s
        self._last: dict[bytes, tuple[WorkerStatus, float]] = {}

    def take(self, record: ReadRecord, now_s: float, *, fresh: bool) -> None:
        """Note a record. `fresh`: it came in just now, whatever its own clock says; `now_s` is the wall clock."""
        key = record.key or b""
        if record.value is None:
            self._last.pop(key, None)
            return
        with suppress(ValidationError):  # of a later release, or not a worker's
            status = WorkerStatus.model_validate_json(record.value)
            self._last[key] = status, now_s if fresh else record.timestamp / 1_000

    def list_all(self, now_s: float) -> list[Heard]:
        """Return every worker that has not left, also those that fell silent, by name."""
        heard = (Heard(status, max(0.0, now_s - at_s)) for status, at_s in self._last.values())
        return sorted(heard, key=lambda one: one.status.worker)

    def list_alive(self, now_s: float) -> list[Heard]:
        """Return the workers that still report, by name."""
        return [one for one in self.list_all(now_s) if one.age_s <= self.horizon_s]


@asynccontextmanager
async def watch_statuses(settings: Settings) -> AsyncIterator[StatusBoard]:
    """Keep a board up to date while the block runs. Raises BrokerUnreachableError, RefusedByBrokerError."""
    board = StatusBoard(max(_LEAST_HORIZON_S, _MISSED_REPORTS * settings.status_interval_s))
    async with open_topic(build_connection(settings), settings.strategy_status_topic) as reader:
        async for record in reader.read_to_end():
            board.take(record, time.time(), fresh=False)
        following = asyncio.create_task(_follow(reader, board))
        try:
            yield board
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following


async def _follow(reader: TopicReader, board: StatusBoard) -> None:
    async for record in reader.read_on():
        board.take(record, time.time(), fresh=True)
