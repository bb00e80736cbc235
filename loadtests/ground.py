"""The ground a race is run on: one real Apache Kafka broker on loopback, and topics filled with traffic.

Topics have the settings of `deploy/topics.yaml`, made by the code behind `sluice topics apply`. Records are written and
read by librdkafka, which shares no code with any candidate.
"""

import asyncio
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from confluent_kafka import Producer

from deploy.kafka.cluster import Cluster, end_leftovers
from deploy.kafka.ports import free_ports
from service.settings import Settings, load_settings
from service.worker.connection import build_connection
from service.worker.topics import apply_steps, find_topics
from service.worker.topics_file import ROLES, load_topics
from service.worker.topics_plan import plan_topics

_CLUSTERS = Path(__file__).resolve().parents[1] / ".run" / "kafka" / "bench"
_FLUSH_WITHIN_S = 120.0


class FillError(RuntimeError):
    """The broker did not take all records."""


@dataclass(frozen=True)
class Ground:
    """A running broker; `partitions` of every topic; `directory` is scratch that goes with it."""

    brokers: str
    partitions: int
    directory: Path

    def name_topics(self, ground: str) -> dict[str, str]:
        """Return the environment that sends a candidate to the topics called `ground`."""
        topics = {f"SLUICE_{role.upper()}_TOPIC": f"{ground}.{role}" for role in ROLES}
        return {"SLUICE_BROKERS": self.brokers, **topics}

    def make_topics(self, ground: str) -> Settings:
        """Make the five topics called `ground` and return the settings that name them."""
        settings = load_settings(self.name_topics(ground))
        asyncio.run(_apply_topics(settings, self.partitions))
        return settings

    def fill(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> float:
        """Write the records, acknowledged by all replicas, and return how long it took in seconds."""
        began_s = time.monotonic()
        producer = open_producer(self.brokers)
        for key, value in records:
            while True:
                try:
                    producer.produce(topic, value, key)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        if left := producer.flush(_FLUSH_WITHIN_S):
            raise FillError(f"{topic}: {left} records were not acknowledged within {_FLUSH_WITHIN_S:.0f} s")
        return time.monotonic() - began_s


def open_producer(brokers: str, settings: Mapping[str, object] | None = None) -> Producer:
    """Return a librdkafka producer that partitions as Java's does, without compression, like the candidates'."""
    return Producer(
        {
            "bootstrap.servers": brokers,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "linger.ms": 20,
            "batch.size": 500_000,
            "log_level": 3,  # a fresh broker lets the first request for an id wait, which is no news
            **(settings or {}),
        }
    )


@contextmanager
def open_ground(partitions: int) -> Iterator[Ground]:
    """Start a broker, and take it and all its data away at the end. Raises UnavailableError with a remedy."""
    _CLUSTERS.mkdir(parents=True, exist_ok=True)
    end_leftovers(_CLUSTERS)
    cluster = Cluster(_CLUSTERS / uuid4().hex[:8], [(port, other) for port, other in [free_ports(2)]])
    try:
        cluster.start()
        yield Ground(cluster.bootstrap, partitions, cluster.directory)
    finally:
        cluster.kill()
        shutil.rmtree(cluster.directory, ignore_errors=True)


async def _apply_topics(settings: Settings, partitions: int) -> None:
    connection = build_connection(settings)
    wanted = load_topics(settings).resize(partitions=partitions, replication=1)
    await apply_steps(connection, plan_topics(wanted, await find_topics(connection, wanted)).steps)
