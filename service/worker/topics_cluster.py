"""Asks a Kafka cluster how topics are, and changes them: the admin side of `sluice topics` and of the worker's check.

Any fault of the way there is a BrokerUnreachableError, any refusal a RefusedByBrokerError: waiting helps with the one,
only a person with the other.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.metadata import MetadataRequest

from service.worker.alter_configs import AlterConfigsIncrementally
from service.worker.connection import Connection, tell_unreachable

REQUEST_TIMEOUT_MS = 15_000
_POLL_S = 0.1
_KNOWN_WITHIN_POLLS = 100


class FoundTopic(NamedTuple):
    """A topic as the cluster has it. `config` holds the values in force; None: the broker did not tell."""

    partitions: int
    replication: int
    config: dict[str, str] | None


class RefusedByBrokerError(RuntimeError):
    """The cluster answered, and refused; the text names the topic, the broker's reason and the remedy."""


class Cluster(AIOKafkaAdminClient):  # type: ignore[misc]
    """An admin client with the few questions and changes that Sluice needs; use it through `reach_cluster`.

    Every method raises BrokerUnreachableError when no broker answers, RefusedByBrokerError when one refuses.
    """

    async def find_topics(self, names: Iterable[str]) -> dict[str, FoundTopic]:
        """Return the topics among `names` that exist, without their configuration, and create none by asking."""
        # Without the False a broker with auto.create.topics.enable would make the missing topics, all wrong.
        answer = await self._send_request(MetadataRequest(sorted(names), allow_auto_topic_creation=False))
        found: dict[str, FoundTopic] = {}
        for topic in answer.to_object()["topics"]:
            name, error = topic["topic"], for_code(topic["error_code"])
            if error is TopicAuthorizationFailedError:
                raise RefusedByBrokerError(f"{name}: not allowed to look at it; grant this user DESCRIBE on the topic")
            if error is not UnknownTopicOrPartitionError:
                replication = min((len(one["replicas"]) for one in topic["partitions"]), default=0)
                found[name] = FoundTopic(len(topic["partitions"]), replication, None)
        return found

    async def find_configs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the configuration in force of each topic that the broker tells about: none of some stand-ins."""
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        try:
            answers = await self.describe_configs(asked)
        except (IncompatibleBrokerVersion, NotImplementedError):
            return {}
        return _read_configs(answers)

    async def create(self, name: str, partitions: int, replication: int, config: Mapping[str, str]) -> None:
        """Make a topic and wait until each partition has a leader; one that exists by now is left as it is."""
        answer = await self.create_topics([NewTopic(name, partitions, replication, topic_configs=dict(config))])
        for _, code, *message in answer.topic_errors:
            if for_code(code) is not TopicAlreadyExistsError:
                _require_success(name, code, message[0] if message else None)
        await self._wait_for_partitions(name, 1)

    async def add_partitions(self, name: str, total: int) -> None:
        """Raise the number of partitions to `total`."""
        try:
            await self.create_partitions({name: NewPartitions(total)})
        except KafkaError as error:
            raise RefusedByBrokerError(f"{name}: {error}") from None
        await self._wait_for_partitions(name, total)

    async def set_configs(self, name: str, config: Mapping[str, str]) -> None:
        """Set these values of a topic's configuration and leave the others."""
        answer = await self._send_request(AlterConfigsIncrementally(name, config))
        for code, message, *_ in answer.responses:
            _require_success(name, code, message)
        await self._wait_for_configs(name, config)

    async def _send_request(self, request: Any, node_id: int | None = None) -> Any:  # noqa: ANN401 - aiokafka is untyped
        """Ask the given broker, or any that answers: aiokafka would ask a random one, be it down or not."""
        if node_id is not None:
            return await super()._send_request(request, node_id)
        nodes = [broker.nodeId for broker in self._client.cluster.brokers()]
        random.shuffle(nodes)
        for node in nodes[:-1]:
            with contextlib.suppress(NodeNotReadyError, KafkaConnectionError):
                return await self._client.send(node, request)
        return await self._client.send(nodes[-1], request)

    async def _wait_until_known(self, name: str, known: Callable[[int], Awaitable[bool]]) -> None:
        """Wait until `known(node)` holds on every broker that answers.

        A change is acknowledged before every broker has heard of it, and the next question goes to any of them.
        """
        for broker in self._client.cluster.brokers():
            with contextlib.suppress(NodeNotReadyError, KafkaConnectionError):
                for _ in range(_KNOWN_WITHIN_POLLS):
                    if await known(broker.nodeId):
                        break
                    await asyncio.sleep(_POLL_S)
                else:
                    text = f"{name}: broker {broker.nodeId} does not know of the change after 10 s; look at its log"
                    raise RefusedByBrokerError(text)

    async def _wait_for_partitions(self, name: str, count: int) -> None:
        async def has_leaders(node: int) -> bool:
            answer = await self._send_request(MetadataRequest([name], allow_auto_topic_creation=False), node)
            partitions = answer.to_object()["topics"][0]["partitions"]
            return len(partitions) >= count and all(one["leader"] >= 0 for one in partitions)

        await self._wait_until_known(name, has_leaders)

    async def _wait_for_configs(self, name: str, config: Mapping[str, str]) -> None:
        async def has_values(node: int) -> bool:
            request = DescribeConfigsRequest([(ConfigResourceType.TOPIC, name, list(config))])
            return _read_configs([await self._send_request(request, node)]).get(name) == config

        await self._wait_until_known(name, has_values)


@asynccontextmanager
async def reach_cluster(connection: Connection) -> AsyncIterator[Cluster]:
    """Connect for the time of the block. Raises BrokerUnreachableError, also when the cluster goes away within it."""
    cluster = Cluster(**connection, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        with tell_unreachable(connection):
            await cluster.start()
            yield cluster
    finally:
        await cluster.close()


def _read_configs(answers: Iterable[Any]) -> dict[str, dict[str, str]]:
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
        if resource[0] == 0
    }


def _require_success(name: str, code: int, message: Any) -> None:  # noqa: ANN401 - aiokafka's structs have no types
    error = for_code(code)
    if code == 0:
        return
    remedy = {
        38: "; pass `--replication` with at most the number of brokers",  # INVALID_REPLICATION_FACTOR
        29: "; grant this user CREATE and ALTER_CONFIGS on the topic",  # TOPIC_AUTHORIZATION_FAILED
    }.get(code, "")
    raise RefusedByBrokerError(f"{name}: {error.__name__}: {message or error.description}{remedy}")
