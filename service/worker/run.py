"""A worker's life: listen, wait for the broker, check the topics, get a bundle, find a trip, work, drain, leave.

Exit codes: 0 after SIGTERM or SIGINT, 1 after a failure that a restart mends, 2 when the deployment has to be mended.
"""

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress

import structlog
from aiokafka.errors import KafkaError

from service.contracts.control import AnyControl, Halt, Resume, Trip, name_trip
from service.observability.health import WorkerState, judge_liveness, judge_readiness
from service.settings import Settings
from service.worker.app import WorkerApp, WorkerParts
from service.worker.connection import BrokerUnreachableError, build_connection
from service.worker.control import follow_control, read_control, write_control
from service.worker.gate import Gate
from service.worker.guard import FailureGuard, GuardLimits
from service.worker.loaded import Loaded
from service.worker.monitor import Monitor
from service.worker.shadow_parts import build_halts, build_shadow
from service.worker.strategies import Strategies
from service.worker.topics import TopicFault, check_topics
from service.worker.topics_cluster import RefusedByBrokerError
from service.worker.web import WebPortError, start_web

_log = structlog.get_logger(__name__)

EXIT_STOPPED, EXIT_FAILED, EXIT_MISDEPLOYED = 0, 1, 2
_BROKER_RETRY_S = 1.0
_LEAVE_TIMEOUT_S = 4.0


async def run_worker(settings: Settings, loaded: Loaded) -> int:
    """Run until a signal or a failure; returns the exit code."""
    stopping = _catch_signals()
    gate = _make_gate(settings, loaded)
    monitor = Monitor(
        WorkerState(stall_s=settings.stall_s, model_loaded=True), gate, loaded.metrics, settings.monitor_interval_s
    )

    def follow(halt: Halt) -> None:
        strategies.halt(halt)  # which is made last, as it tells the shadow what to follow

    halts = build_halts(settings, _name_worker(), follow)
    shadow = build_shadow(settings, loaded.metrics, halts.stop_rollout)
    guard = FailureGuard(_limit(settings))
    app = WorkerApp(settings, WorkerParts(loaded.pipeline, guard, gate, loaded.metrics, shadow))
    strategies = Strategies(
        settings, loaded, _name_worker(), monitor=monitor, begin_build=app.begin_build, shadow=shadow
    )
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
        code = await _prepare(settings, strategies, gate, monitor, stopping)
        if code is not None:
            return code
        strategies.report.running = True
        shadow.start()
        return await _work(settings, app, strategies, gate, monitor, stopping)
    finally:
        await shadow.stop()
        await halts.stop()
        await strategies.stop()
        await web.cleanup()


def _catch_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _name_worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _make_gate(settings: Settings, loaded: Loaded) -> Gate:
    connection = build_connection(settings)

    async def record(trip: Trip) -> None:
        await write_control(connection, settings.control_topic, name_trip(settings.group), trip)

    return Gate(lambda: loaded.in_force.build, _name_worker(), loaded.metrics, record)


async def _prepare(
    settings: Settings, strategies: Strategies, gate: Gate, monitor: Monitor, stopping: asyncio.Event
) -> int | None:
    """Wait for the broker, check the topics, look for a trip, get a bundle; an exit code if it must not start."""
    give_up_s = time.monotonic() + settings.broker_wait_s if settings.broker_wait_s else float("inf")
    warned = False
    while not stopping.is_set():
        try:
            faults = _weigh(await check_topics(settings), settings)
            control = await _read_control(settings) if not faults else {}
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
        monitor.note_topics_checked()
        for record in control.values():
            _apply(record, strategies, gate)
        strategies.start()
        return None if await strategies.wait_in_force(stopping) else EXIT_STOPPED
    return EXIT_STOPPED


def _weigh(faults: list[TopicFault], settings: Settings) -> list[TopicFault]:
    """Return the faults that stop a worker: a missing strategies topic does not where the image's bundle may decide."""
    if settings.image_bundle != "when_unreachable":
        return faults
    for fault in faults:
        if fault.topic == settings.strategies_topic:
            _log.warning("topic_fault", message=str(fault), instead="the image's bundle decides")
    return [fault for fault in faults if fault.topic != settings.strategies_topic]


async def _read_control(settings: Settings) -> dict[str, AnyControl]:
    """Return the trip of this group and the halts of rollouts."""
    found = await read_control(build_connection(settings), settings.control_topic)
    return {key: one for key, one in found.items() if key == name_trip(settings.group) or isinstance(one, Halt)}


def _apply(record: AnyControl, strategies: Strategies, gate: Gate) -> None:
    match record:
        case Trip() | Resume():
            gate.apply(record)
        case Halt():
            strategies.halt(record)


async def _sleep(stopping: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def _work(  # noqa: PLR0913, PLR0917 - all that lives while ads are decided
    settings: Settings, app: WorkerApp, strategies: Strategies, gate: Gate, monitor: Monitor, stopping: asyncio.Event
) -> int:
    tasks = [
        asyncio.create_task(_run_app(app, monitor), name="app"),
        asyncio.create_task(_follow_control(settings, strategies, gate), name="follow-control"),
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


async def _follow_control(settings: Settings, strategies: Strategies, gate: Gate) -> None:
    key = name_trip(settings.group)
    while True:
        try:
            async for followed, record in follow_control(build_connection(settings), settings.control_topic):
                if followed == key or isinstance(record, Halt):
                    _apply(record, strategies, gate)
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
