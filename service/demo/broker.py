"""The demo's broker: librdkafka's mock cluster, inside this process, on a free loopback port.

It keeps records in memory and guarantees nothing: for trying out. Tests of delivery run against Apache Kafka.
"""

from collections.abc import Iterable

from confluent_kafka import Consumer, Message, Producer, TopicPartition

_ANSWER_WITHIN_S = 10.0


class EmbeddedBroker:
    """Lives as long as this object; `bootstrap` is its address."""

    def __init__(self) -> None:
        # The mock replaces the address, but the option must not be empty; log_level keeps its notices to itself.
        self._producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 2})
        brokers = self._producer.list_topics(timeout=_ANSWER_WITHIN_S).brokers.values()
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def make_topics(self, names: Iterable[str]) -> None:
        """Make topics as the mock allows: asking for one makes it, always with four partitions."""
        for name in names:
            self._producer.list_topics(name, timeout=_ANSWER_WITHIN_S)

    def send(self, topic: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        """Send (key, value) pairs; raises TimeoutError if one is not acknowledged."""
        for key, value in records:
            self._producer.produce(topic, value, key)
        if self._producer.flush(_ANSWER_WITHIN_S):
            raise TimeoutError("the embedded broker did not acknowledge every record; run the demo again")

    def open_reader(self, topics: Iterable[str]) -> Consumer:
        """Return a consumer of all partitions of the topics, from their beginning, of committed records only."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "demo-reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 100,
                "log_level": 2,
            }
        )
        consumer.assign(
            [
                TopicPartition(topic, partition, 0)
                for topic in topics
                for partition in consumer.list_topics(topic, timeout=_ANSWER_WITHIN_S).topics[topic].partitions
            ]
        )
        return consumer


def poll_records(reader: Consumer, timeout_s: float) -> list[Message]:
    """Return what has come within the time, without the reader's own notices."""
    return [message for message in reader.consume(100, timeout_s) if message.error() is None]
