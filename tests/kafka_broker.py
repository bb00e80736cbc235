"""A real Apache Kafka for integration tests, with the few things that tests ask of it.

Records are read and written by librdkafka, which shares no code with the worker's client: it judges what that wrote.
"""

import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.kafka.cluster import Cluster
from deploy.kafka.ports import free_ports

_ANSWER_WITHIN_S = 30.0


@dataclass(frozen=True)
class Record:
    """One record as it lies in a topic: bytes, untouched."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int


class KafkaBroker:
    """One broker (or more) that a session of tests shares; every test makes topics of its own."""

    def __init__(self, directory: Path, brokers: int = 1) -> None:
        """Describe a broker on free ports with its data in `directory`; `start` starts it."""
        ports = free_ports(2 * brokers)
        self.cluster = Cluster(directory, list(zip(ports[::2], ports[1::2], strict=True)))
        self.bootstrap = self.cluster.bootstrap

    def start(self) -> None:
        """Start it, or do nothing if it serves; raises UnavailableError with a remedy."""
        self.cluster.start()

    def stop(self) -> None:
        """Stop it as an operator would; its data stays."""
        self.cluster.stop()

    def kill(self, number: int | None = None) -> None:
        """Kill broker `number`, or all, with SIGKILL."""
        self.cluster.kill(number)

    def restart(self) -> None:
        """Stop it and start it again, same address, same data."""
        self.cluster.restart()

    def remove(self) -> None:
        """End it without waiting and remove its data."""
        self.cluster.kill()
        shutil.rmtree(self.cluster.directory, ignore_errors=True)

    def create_topics(
        self, *names: str, partitions: int = 1, replication: int = 1, config: Mapping[str, str] | None = None
    ) -> None:
        """Make topics and wait until every partition has a leader; raises KafkaException if one cannot be made."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        made = admin.create_topics(
            [NewTopic(name, partitions, replication, config=dict(config or {})) for name in names]
        )
        for future in made.values():
            future.result(_ANSWER_WITHIN_S)
        until = time.monotonic() + _ANSWER_WITHIN_S
        while not all(_has_leaders(admin, name, partitions) for name in names):
            if time.monotonic() > until:
                raise TimeoutError(f"no leaders for {', '.join(names)} within {_ANSWER_WITHIN_S:.0f} s")
            time.sleep(0.05)

    def produce(self, topic: str, records: Iterable[tuple[bytes | None, bytes | None]], **settings: object) -> int:
        """Send (key, value) pairs and return how many were acknowledged; raises KafkaException if one was not."""
        failed: list[KafkaError] = []
        # murmur2 is what Java and aiokafka use: the same key must meet the same partition whoever sends it
        producer = Producer({"bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random", **settings})
        count = 0
        for key, value in records:
            count += 1
            while True:
                try:
                    producer.produce(
                        topic, value, key, on_delivery=lambda error, _: failed.append(error) if error else None
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        if producer.flush(_ANSWER_WITHIN_S):
            raise TimeoutError(f"{topic}: not every record was acknowledged within {_ANSWER_WITHIN_S:.0f} s")
        if failed:
            raise KafkaException(failed[0])
        return count

    def read(self, topic: str, isolation: str = "read_committed") -> list[Record]:
        """Return what lies in `topic` now, partition by partition, as a reader of that isolation level sees it."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "tests.read",  # never joined: partitions are assigned by hand and nothing is committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                # The end is told by an empty answer: wait less for one than steady writers pause between records.
                "fetch.wait.max.ms": 20,
                "isolation.level": isolation,
            }
        )
        try:
            found = consumer.list_topics(topic, timeout=_ANSWER_WITHIN_S).topics[topic]
            if found.error is not None:
                raise KafkaException(found.error)
            consumer.assign([TopicPartition(topic, partition, 0) for partition in found.partitions])
            return sorted(_read_to_end(consumer, len(found.partitions)), key=lambda one: (one.partition, one.offset))
        finally:
            consumer.close()

    def read_until(self, topic: str, count: int, within_s: float = 60.0) -> list[Record]:
        """Return what `topic` holds once it holds `count` committed records; raises TimeoutError if it never does."""
        until = time.monotonic() + within_s
        while True:
            found = self.read(topic)
            if len(found) >= count:
                return found
            if time.monotonic() > until:
                raise TimeoutError(f"{topic} holds {len(found)} of {count} records after {within_s:.0f} s")
            time.sleep(0.2)


def _has_leaders(admin: AdminClient, name: str, partitions: int) -> bool:
    found = admin.list_topics(name, timeout=_ANSWER_WITHIN_S).topics[name]
    return len(found.partitions) == partitions and all(one.leader >= 0 for one in found.partitions.values())


def _read_to_end(consumer: Consumer, partitions: int) -> Iterable[Record]:
    ends = 0
    while ends < partitions:
        message = consumer.poll(_ANSWER_WITHIN_S)
        if message is None:
            raise TimeoutError(f"the broker sent nothing for {_ANSWER_WITHIN_S:.0f} s")
        error = message.error()
        if error is None:
            yield _record(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            ends += 1
        else:
            raise KafkaException(error)


def _record(message: Message) -> Record:
    return Record(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
        timestamp_ms=message.timestamp()[1],
    )
