"""How many submissions a consumer group has still to take, asked from outside the group."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from service.worker.connection import BrokerUnreachableError, Connection
from service.worker.topic_reading import TopicReader, open_topic
from service.worker.topics_cluster import Cluster, RefusedByBrokerError, reach_cluster

_TRIES, _RETRY_S = 40, 0.5


class LagMeter:
    """Asks for a group's offsets and the topic's ends; made by `open_lag_meter`."""

    def __init__(self, cluster: Cluster, reader: TopicReader, group: str, topic: str) -> None:
        self._cluster, self._reader, self._group, self._topic = cluster, reader, group, topic

    async def measure(self) -> int:
        """Return the group's lag in records; 0 for a group that has never committed. Raises BrokerUnreachableError."""
        committed = await self._ask_offsets()
        bounds = await self._reader.find_bounds()
        lag = 0
        for partition, (start, end) in bounds.items():
            found = committed.get(TopicPartition(self._topic, partition))
            if found is not None and found.offset >= 0:
                lag += max(0, end - max(found.offset, start))
        return lag

    async def _ask_offsets(self) -> dict[TopicPartition, OffsetAndMetadata]:
        for _ in range(_TRIES):
            try:
                found: dict[TopicPartition, OffsetAndMetadata] = await self._cluster.list_consumer_group_offsets(
                    self._group
                )
            except KafkaError as error:
                if not error.retriable:
                    raise RefusedByBrokerError(f"group {self._group}: {error}; look at the broker's log") from None
            else:
                return found
            await asyncio.sleep(_RETRY_S)  # a broker that has just started, or a group that moves to another
        raise BrokerUnreachableError(f"no broker answers for group {self._group}; look at the brokers' logs")


@asynccontextmanager
async def open_lag_meter(connection: Connection, group: str, topic: str) -> AsyncIterator[LagMeter]:
    """Connect for the time of the block. Raises BrokerUnreachableError, RefusedByBrokerError."""
    async with reach_cluster(connection) as cluster, open_topic(connection, topic) as reader:
        yield LagMeter(cluster, reader, group, topic)
