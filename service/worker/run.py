"""A worker's life: listen, wait for the broker, check the topics, find a trip, work, drain, leave.

Exit codes: 0 after SIGTERM or SIGINT, 1 after a failure that a restart mends, 2 when the deployment has to be mended.
"""

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiokafka.errors import KafkaError

from service.contracts.control import Resume, Trip, name_trip
from service.observability.health import WorkerState, judge_liveness, judge_readiness
from service.observability.metrics import Metrics
from service.settings import Settings
from service.worker.app import WorkerApp, WorkerParts
from service.worker.connection import BrokerUnreachableError, Connection, build_connection
from service.worker.control import follow_control, read_control, write_control
from service.worker.gate import Gate
from service.worker.guard import FailureGuard, GuardLimits
from service.worker.monitor import Monitor
from service.worker.outputs import Pipeline
from service.worker.topics import check_topics
from service.worker.topics_cluster import RefusedByBrokerError
from service.worker.web import WebPortError, start_web

_log = structlog.get_logger(__name__)

EXIT_STOPPED, EXIT_FAILED, EXIT_MISDEPLOYED = 0, 1, 2
_BROKER_RETRY_S = 1.0
_LEAVE_TIMEOUT_S = 4.0


@dataclass(frozen=True)
class Loaded:
    """What was loaded before the worker starts: the pipeline over a bundle and model, and the identity of them all."""

    pipeline: Pipeline
    metrics: Metrics
    build: str


async def run_worker(settings: Settings, loaded: Loaded) -> int:
    """Run until a signal or a failure; returns the exit code."""
    stopping = _catch_signals()
    connection = build_connection(settings)
    gate = _make_gate(settings, loaded, connection)
    state = WorkerState(stall_s=settings.stall_s, model_loaded=True, bundle_loaded=True)
    monitor = Monitor(state, gate, loaded.metrics, settings.monitor_interval_s)
    try:
        web = await start_web(
            settings.web_host,
            settings.web_port,
            loaded.metrics.render,
            lambda: judge_liveness(monitor.state, time.monotonic()),
            lambda: judge_readiness(monitor.state),
        )
    except WebPortError as error:
        _log.error("web_port", message=str(error))
        return EXIT_MISDEPLOYED
    _log.info("listening", address=web.addresses[0])
    try:
        code = await _prepare(settings, connection, gate, stopping)
        if code is not None:
            return code
        monitor.note_topics_checked()
        return await _work(settings, loaded, gate, monitor, stopping)
    finally:
        await web.cleanup()


def _catch_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _make_gate(settings: Settings, loaded: Loaded, connection: Connection) -> Gate:
    async def record(trip: Trip) -> None:
        await write_control(connection, settings.control_topic, name_trip(settings.group), trip)

    return Gate(loaded.build, f"{socket.gethostname()}:{os.getpid()}", loaded.metrics, record)


async def _prepare(settings: Settings, connection: Connection, gate: Gate, stopping: asyncio.Event) -> int | None:
    """Wait for the broker, check the topics, look for a trip; returns an exit code if the worker must not start."""
    give_up_s = time.monotonic() + settings.broker_wait_s if settings.broker_wait_s else float("inf")
    warned = False
    while not stopping.is_set():
        try:
            faults = await check_topics(settings)
            control = await read_control(connection, settings.control_topic) if not faults else {}
        except (BrokerUnreachableError, KafkaError, OSError) as error:
            if time.monotonic() > give_up_s:
                _log.error("broker_unreachable", why=str(error), gave_up_after_s=settings.broker_wait_s)
                return EXIT_FAILED
            if not warned:
                _log.warning("waiting_for_broker", brokers=settings.brokers, why=str(error))
            warned = True
            await _sleep(stopping, _BROKER_RETRY_S)
            continue
        except RefusedByBrokerError as error:
            _log.error("refused_by_broker", why=str(error))
            return EXIT_MISDEPLOYED
        for fault in faults:
            _log.error("topic_fault", message=str(fault))
        if faults:
            return EXIT_MISDEPLOYED
        record = control.get(name_trip(settings.group))
        if isinstance(record, Trip):
            gate.apply(record)
        return None
    return EXIT_STOPPED


async def _sleep(stopping: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def _work(settings: Settings, loaded: Loaded, gate: Gate, monitor: Monitor, stopping: asyncio.Event) -> int:
    app = WorkerApp(settings, WorkerParts(loaded.pipeline, FailureGuard(_limit(settings)), gate, loaded.metrics))
    tasks = [
        asyncio.create_task(_run_app(app, monitor), name="app"),
        asyncio.create_task(_follow_trips(settings, gate), name="follow-trips"),
        asyncio.create_task(stopping.wait(), name="stopping"),
        asyncio.create_task(app._crashed.wait(), name="crashed"),  # noqa: SLF001 - mode offers no public wait
    ]
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    reasons = [app.crash_reason, *(task.exception() for task in ended)]
    reason = next((reason for reason in reasons if reason is not None), None)
    if reason is not None:
        _log.error("failed", reason=repr(reason), remedy="restart; nothing that was not committed is lost")
    for task in tasks:
        task.cancel()
    left = await _leave(app, settings, failed=reason is not None)
    return EXIT_STOPPED if left and reason is None else EXIT_FAILED


async def _run_app(app: WorkerApp, monitor: Monitor) -> None:
    await app.start()
    await monitor.watch(app)


async def _leave(app: WorkerApp, settings: Settings, *, failed: bool) -> bool:
    """Drain, commit, leave the group, within a bound; False if that did not work (what is left is read again)."""
    timeout_s = _LEAVE_TIMEOUT_S if failed else settings.rebalance_timeout_s
    app.begin_drain()
    try:
        await asyncio.wait_for(app.stop(), timeout_s)
        await asyncio.wait_for(app.stop_lanes(), _LEAVE_TIMEOUT_S)
    except Exception as error:  # noqa: BLE001 - leaving must end, whatever it meets
        _log.warning("left_in_a_hurry", why=repr(error))
        return False
    finally:
        app.close_executor()
    return True


async def _follow_trips(settings: Settings, gate: Gate) -> None:
    key = name_trip(settings.group)
    while True:
        try:
            async for followed, record in follow_control(build_connection(settings), settings.control_topic):
                if followed == key and isinstance(record, Trip | Resume):
                    gate.apply(record)
        except (BrokerUnreachableError, KafkaError, OSError) as error:
            _log.warning("control_topic_lost", why=repr(error))
        await asyncio.sleep(_BROKER_RETRY_S)


def _limit(settings: Settings) -> GuardLimits:
    return GuardLimits(
        window_s=settings.guard_window_s,
        least_records=settings.guard_min_ads,
        moderation_failed=settings.guard_max_moderation_failed_share,
        service_dead_letters=settings.guard_max_service_dead_letter_share,
        sender_dead_letters=settings.guard_max_sender_dead_letter_share,
    )
