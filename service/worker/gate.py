"""Holds the worker back while its group is tripped, and lets go at a resume, another build, a rebalance or a stop."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from service.contracts.control import Resume, Trip
from service.observability.metrics import Metrics
from service.worker.guard import Breach

_log = structlog.get_logger(__name__)


class Gate:
    """Open while nothing is wrong with the `build` of now. `record` writes a trip where a restart finds it."""

    def __init__(
        self, build: Callable[[], str], worker: str, metrics: Metrics, record: Callable[[Trip], Awaitable[None]]
    ) -> None:
        self._build = build
        self._worker = worker
        self._metrics = metrics
        self._record = record
        self.trip: Trip | None = None
        self._trips: dict[str, Trip] = {}  # the last one of each build
        self._open = asyncio.Event()
        self._open.set()
        self._draining = asyncio.Event()
        metrics.show_trip(None)

    async def wait_open(self) -> bool:
        """Wait until chunks may be scored; False when the worker drains instead and the chunk must be forgotten."""
        waits = [asyncio.create_task(self._open.wait()), asyncio.create_task(self._draining.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._open.is_set()

    @property
    def is_open(self) -> bool:
        """Whether chunks may be scored now."""
        return self._open.is_set()

    def begin_drain(self) -> None:
        """Let go of a chunk that waits: its partition is about to change hands, or the worker to stop."""
        self._draining.set()

    def end_drain(self) -> None:
        """Hold back again; called when partitions have been assigned."""
        self._draining.clear()

    async def close(self, breach: Breach, build: str) -> None:
        """Trip `build`: stop if it is still the one of now, and write it down. It holds even if writing fails."""
        trip = Trip(build=build, cause=breach.cause, message=breach.message, worker=self._worker, at=datetime.now(UTC))
        self.apply(trip)
        try:
            await self._record(trip)
        except Exception as error:  # noqa: BLE001 - stopped is stopped; a restart would trip again by itself
            _log.error("trip_not_recorded", error=repr(error), remedy="a restart will not find the trip")

    def apply(self, record: Trip | Resume) -> None:
        """Follow what the control topic says of this group; another build's trip does not bind this one."""
        if isinstance(record, Trip):
            self._trips[record.build] = record
            self.rejudge()
        else:
            self._trips = {build: trip for build, trip in self._trips.items() if trip.at > record.at}
            if self._build() not in self._trips:
                self._reopen("resumed", by=record.by)

    def rejudge(self) -> None:
        """Ask whether a trip binds the build of now; called when another bundle has come into force."""
        last = self._trips.get(self._build())
        if last is None:
            self._reopen("trip_left_behind", build=self._build())
        elif self.trip is None:
            self.trip = last
            self._open.clear()
            self._metrics.show_trip(last.cause)
            _log.error("tripped", cause=last.cause, message=last.message, worker=last.worker)

    def _reopen(self, event: str, **why: str) -> None:
        if self.trip is not None:
            _log.warning(event, cause=self.trip.cause, **why)
            self.trip = None
            self._metrics.show_trip(None)
            self._open.set()
