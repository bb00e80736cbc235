"""The Faust app: takes chunks from the stream, has them scored in a thread, hands them to their partition's lane."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import faust
import structlog
from faust.types import TP
from mode import CrashingSupervisor

from service.observability.health import Sighting
from service.observability.metrics import Metrics
from service.settings import Settings
from service.worker.chunks import Chunk, ChunkTransport
from service.worker.connection import build_connection, faust_credentials
from service.worker.consumer_thread import Sought
from service.worker.gate import Gate
from service.worker.guard import FailureGuard
from service.worker.lanes import Lane, LaneLimits, ScoredChunk
from service.worker.outputs import Pipeline
from service.worker.publish import OutputTopics, PlainPublisher, Publisher, TransactionalPublisher
from service.worker.shadow import Shadow

_log = structlog.get_logger(__name__)

# A batch must stay below every output topic's size limit; a single larger record travels in a batch of its own.
_BATCH_BYTES = 524_288
_FETCH_WAIT_MS = 500
# Liveness is judged by /healthz; a tripped worker must keep its partitions however long it takes.
_MAX_POLL_INTERVAL_S = 14 * 24 * 3600


@dataclass(frozen=True)
class WorkerParts:
    """What the app is made of besides its settings."""

    pipeline: Pipeline
    guard: FailureGuard
    gate: Gate
    metrics: Metrics
    shadow: Shadow


class WorkerApp(faust.App):  # type: ignore[misc]
    """One worker process of the group."""

    def __init__(self, settings: Settings, parts: WorkerParts) -> None:
        self.worker_settings = settings
        self.chunk_records = settings.chunk_records
        self.chunk_bytes = settings.chunk_bytes
        self.commits_in_transactions = settings.delivery == "exactly_once"
        self.consumer_options = _consumer_options(settings)
        self._pipeline = parts.pipeline
        self._guard = parts.guard
        self._gate = parts.gate
        self._metrics = parts.metrics
        self._shadow = parts.shadow
        self._lanes: dict[TP, Lane] = {}
        self._settled: dict[TP, int] = {}
        self._epoch = 0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="moderate")
        super().__init__(settings.group, **_faust_options(settings))
        submissions = self.topic(
            settings.submissions_topic, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw"
        )
        self.agent(submissions, name="moderate", concurrency=1)(self._moderate)

    def _new_transport(self) -> ChunkTransport:
        return ChunkTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> ChunkTransport:
        return ChunkTransport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        # Faust would make a folder for tables; there are none, and the root file system may be read-only.
        pass

    async def _moderate(self, stream: Any) -> None:  # noqa: ANN401 - Faust's stream is untyped
        async for event in stream.noack().events():
            await self._take(event)

    async def _take(self, event: Any) -> None:  # noqa: ANN401 - Faust's event is untyped
        chunk: Chunk = event.message
        lane = self._lanes.get(chunk.tp)
        if lane is None or chunk.epoch != self._epoch:
            self.consumer.forget(chunk)  # of before the latest seek: it is read again
            return
        loop = asyncio.get_running_loop()
        while self._gate.is_open or await self._gate.wait_open():
            with self._shadow.hold_back():
                outputs = await loop.run_in_executor(self._executor, self._pipeline, chunk.records)
            breach = self._guard.observe(outputs.tally, time.monotonic())
            if breach is None:
                outputs.pairs = self._shadow.reserve(outputs.pairs)
                await lane.put(ScoredChunk(chunk, event, outputs))
                return
            # The chunk that broke the limit is not published: it is scored again after a resume, or by another build.
            await self._gate.close(breach, outputs.build)
            self._guard.reset()
        self.consumer.forget(chunk)

    async def _settle(self, scored: ScoredChunk) -> None:
        self._settled[scored.chunk.tp] = scored.chunk.offset + 1
        self._metrics.record_chunk(scored.outputs.tally)
        scored.event.ack()
        self._shadow.offer(scored.outputs.pairs)

    def begin_build(self) -> None:
        """Judge anew: another build has come into force, and what failed before was not its fault."""
        self._guard.reset()
        self._gate.rejudge()

    def begin_drain(self) -> None:
        """Let go of what a trip holds back, so that a rebalance or a stop need not wait for a resume."""
        self._gate.begin_drain()

    async def fence(self, assigned: set[TP]) -> None:
        """End all lanes and initialise the transactional ids of every assigned partition, also of those that stayed.

        When this returns no previous owner can publish any more, and committed offsets are final. Raises KafkaError.
        """
        await self.stop_lanes()
        self._metrics.record_rebalance(len(assigned))
        _log.info("assigned", partitions=sorted(tp.partition for tp in assigned))
        lanes = {tp: self._make_lane(tp) for tp in assigned if tp.topic == self.worker_settings.submissions_topic}
        self._lanes = lanes
        await asyncio.gather(*(lane.publisher.start() for lane in lanes.values()))

    def start_lanes(self, sought: Sought) -> None:
        """Start the lanes at the offsets that were sought to behind the fence."""
        self._gate.end_drain()
        self._epoch = sought.epoch
        offsets = {tp.partition: offset for tp, offset in sought.offsets.items()}
        _log.info("seek", offsets=offsets, epoch=sought.epoch)
        for tp, lane in self._lanes.items():
            self._settled[tp] = sought.offsets[tp]
            lane.start(sought.offsets[tp])

    async def stop_lanes(self) -> None:
        """End all lanes at once; a drain has emptied them, or their work is left to the next owner."""
        lanes, self._lanes = self._lanes, {}
        self._settled.clear()
        self._shadow.release()
        await asyncio.gather(*(lane.stop() for lane in lanes.values()))

    def _make_lane(self, tp: TP) -> Lane:
        limits = LaneLimits(
            self.worker_settings.transaction_records, self.worker_settings.transaction_linger_ms / 1_000
        )
        return Lane(tp, self._make_publisher(tp), limits, self._settle, self.crash)

    def _make_publisher(self, tp: TP) -> Publisher:
        settings = self.worker_settings
        topics = OutputTopics(settings.decisions_topic, settings.review_tasks_topic, settings.dead_letters_topic)
        options = {
            **build_connection(settings),
            "linger_ms": 0,
            "max_batch_size": _BATCH_BYTES,
            "request_timeout_ms": int(settings.request_timeout_s * 1_000),
        }
        if self.commits_in_transactions:
            options["transaction_timeout_ms"] = int(settings.transaction_timeout_s * 1_000)
            return TransactionalPublisher(tp, settings.group, topics, options, self._metrics)
        return PlainPublisher(tp, topics, options)

    async def sight_partitions(self) -> list[Sighting]:
        """Look at every assigned partition; raises KafkaError when the broker does not answer.

        The position is the first offset whose outputs are not durable. Where all that was delivered is settled it is
        the consumer's own, which has also passed the transaction markers behind the last record.
        """
        sightings = []
        for tp, (position, end) in (await self.consumer._thread.read_positions()).items():  # noqa: SLF001 - Faust hides it
            delivered = self.consumer._read_offset.get(tp)  # noqa: SLF001 - the same
            settled = self._settled.get(tp)
            waiting = max(0, delivered - settled) if delivered is not None and settled is not None else 0
            sightings.append(Sighting(tp.partition, settled if waiting else position, end, waiting))
        return sightings

    def count_in_flight_chunks(self) -> int:
        """Return how many chunks were taken from the stream and are not durable."""
        return len(self.consumer.unacked)

    def close_executor(self) -> None:
        """Let the scoring thread end after the chunk that it scores."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _consumer_options(settings: Settings) -> dict[str, Any]:
    return {
        **build_connection(settings),
        "group_id": settings.group,
        "client_id": "sluice",
        "max_poll_records": settings.chunk_records,
        "max_partition_fetch_bytes": settings.fetch_partition_bytes,
        "fetch_max_wait_ms": _FETCH_WAIT_MS,
        "max_poll_interval_ms": _MAX_POLL_INTERVAL_S * 1_000,
        "request_timeout_ms": int(settings.request_timeout_s * 1_000),
        "session_timeout_ms": int(settings.session_timeout_s * 1_000),
        "rebalance_timeout_ms": int(settings.rebalance_timeout_s * 1_000),
        "heartbeat_interval_ms": int(settings.heartbeat_interval_s * 1_000),
    }


def _faust_options(settings: Settings) -> dict[str, Any]:
    return {
        "broker": [f"kafka://{host.strip()}" for host in settings.brokers.split(",")],
        "broker_credentials": faust_credentials(settings),
        # Faust's own exactly_once loses data and crashes (deploy/adr/0004); the lanes do it instead.
        "processing_guarantee": "at_least_once",
        # The default supervisor restarts a failed agent behind the event that it lost.
        "agent_supervisor": CrashingSupervisor,
        "stream_wait_empty": True,
        "stream_buffer_maxsize": settings.queued_chunks,
        "stream_processing_timeout": max(300.0, settings.stall_s),
        "broker_commit_interval": 0.5,
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": settings.heartbeat_interval_s,
        "broker_rebalance_timeout": settings.rebalance_timeout_s,
        "broker_request_timeout": settings.request_timeout_s,
        "producer_acks": -1,
        "producer_request_timeout": settings.request_timeout_s,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "web_enabled": False,
        "worker_redirect_stdouts": False,
    }
