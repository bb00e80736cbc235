"""Builds from the settings a worker's shadow, and what stops a rollout that the shadow finds wanting."""

from collections.abc import Callable

from aiokafka import AIOKafkaProducer

from service.contracts.control import Halt, name_halt
from service.observability.metrics import Metrics
from service.release.guard_rail import GuardLimits, GuardMargins
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.control import write_control
from service.worker.rollout_halts import RolloutHalts
from service.worker.rollout_watch import Finding, RolloutWatch
from service.worker.shadow import Shadow
from service.worker.shadow_judge import ShadowJudge
from service.worker.shadow_sender import ShadowSender
from service.worker.topics_file import INPUT, load_topics

_BATCH_BYTES = 524_288


def build_shadow(settings: Settings, metrics: Metrics, stop_rollout: Callable[[Finding], None]) -> Shadow:
    """Return the shadow, not yet started. Raises SettingsError, TopicsFileError."""
    watch = RolloutWatch(limit_rollouts(settings))
    sender = ShadowSender(lambda: make_producer(settings), settings.shadow_topic, metrics)
    judge = ShadowJudge(settings.shadow_budget_us, watch)
    return Shadow(judge, sender, metrics, stop_rollout, settings.shadow_buffer_ads)


def build_halts(settings: Settings, worker: str, apply: Callable[[Halt], None]) -> RolloutHalts:
    """Return what writes halts to the control topic; `apply` makes this worker follow one."""

    async def record(halt: Halt) -> None:
        await write_control(build_connection(settings), settings.control_topic, name_halt(halt.rollout), halt)

    return RolloutHalts(worker, apply, record)


def limit_rollouts(settings: Settings) -> GuardLimits:
    """Return when a rollout is stopped; as many workers may test as the submissions topic has partitions."""
    return GuardLimits(
        margins=GuardMargins(
            reject_share=settings.rollout_guard_reject_margin,
            review_share=settings.rollout_guard_review_margin,
            approve_share=settings.rollout_guard_approve_margin,
            failures=settings.rollout_guard_failure_margin,
        ),
        alpha=settings.rollout_guard_alpha,
        window_s=settings.rollout_guard_window_s,
        workers=load_topics(settings).topics[INPUT].partitions,
    )


def make_producer(settings: Settings) -> AIOKafkaProducer:
    """Return the shadow's own producer: idempotent, so that a retry repeats nothing, and in no transaction."""
    return AIOKafkaProducer(
        **build_connection(settings),
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=_BATCH_BYTES,
        request_timeout_ms=int(settings.request_timeout_s * 1_000),
    )
