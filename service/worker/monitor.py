"""Looks at the worker every few seconds, and keeps what /healthz, /readyz and the lag metrics are judged by."""

import asyncio
import time
from dataclasses import replace

import structlog

from service.observability.health import PartitionState, Sighting, WorkerState, follow_partition, judge_readiness
from service.observability.metrics import Metrics
from service.worker.app import WorkerApp
from service.worker.gate import Gate

_log = structlog.get_logger(__name__)
_LOOK_TIMEOUT_S = 10.0


class Monitor:
    """Holds the worker's state; `watch` renews it while the app runs."""

    def __init__(self, state: WorkerState, gate: Gate, metrics: Metrics, interval_s: float) -> None:
        self._state = state
        self._gate = gate
        self._metrics = metrics
        self._interval_s = interval_s

    @property
    def state(self) -> WorkerState:
        """The state as last seen, with the trip as it is now."""
        return replace(self._state, tripped=self._gate.trip.message if self._gate.trip else None)

    def note_topics_checked(self) -> None:
        """Remember that the topics are as they have to be."""
        self._state = replace(self._state, topics_checked=True, broker_reachable=True)

    def note_bundle(self, bundle: str, *, in_force: bool) -> None:
        """Remember which bundle decides and where it came from, or why none does."""
        self._state = replace(self._state, bundle_loaded=in_force, bundle=bundle)

    async def watch(self, app: WorkerApp) -> None:
        """Look until cancelled. A broker that does not answer is a state, not an error."""
        while True:
            await self._look(app)
            self._metrics.show_in_flight_chunks(app.count_in_flight_chunks())
            self._metrics.show_ready(ready=judge_readiness(self.state).ok)
            await asyncio.sleep(self._interval_s)

    async def _look(self, app: WorkerApp) -> None:
        try:
            # not wait_for, which may swallow a cancellation that comes together with the answer
            async with asyncio.timeout(_LOOK_TIMEOUT_S):
                sightings = await app.sight_partitions()
        except TimeoutError:
            self._note_unreachable("no answer")
        except (ConnectionError, OSError) as error:
            self._note_unreachable(repr(error))
        except Exception as error:  # noqa: BLE001 - sorted here: of aiokafka's errors only some are about reaching it
            if not getattr(error, "retriable", False):
                await app.crash(error)
            self._note_unreachable(repr(error))
        else:
            self._note(sightings)

    def _note_unreachable(self, why: str) -> None:
        if self._state.broker_reachable:
            _log.warning("broker_unreachable", why=why)
        self._state = replace(self._state, broker_reachable=False)

    def _note(self, sightings: list[Sighting]) -> None:
        now_s = time.monotonic()
        before = {partition.seen.partition: partition for partition in self._state.partitions}
        excused = not self._state.broker_reachable or self._gate.trip is not None
        partitions = tuple(
            follow_partition(before.get(seen.partition), seen, now_s, excused=excused)
            for seen in sorted(sightings, key=lambda seen: seen.partition)
        )
        self._state = replace(self._state, partitions=partitions, broker_reachable=True)
        self._show(partitions, now_s)

    def _show(self, partitions: tuple[PartitionState, ...], now_s: float) -> None:
        self._metrics.show_partitions(
            {state.seen.partition: state.seen.behind for state in partitions},
            {state.seen.partition: max(0.0, now_s - state.progress_at_s) for state in partitions},
        )
