"""What a worker checks of its topics before it joins the group, and how `sluice topics apply` carries out a plan."""

from collections.abc import Iterable
from typing import NamedTuple

import structlog

from service.settings import Settings
from service.worker.connection import Connection, build_connection
from service.worker.topics_cluster import Cluster, FoundTopic, RefusedByBrokerError, reach_cluster
from service.worker.topics_file import INPUT, MAX_BYTES, OUTPUTS, Topic, TopicsFile, TopicsFileError, load_topics
from service.worker.topics_plan import AddPartitions, CreateTopic, SetConfig, Step

_log = structlog.get_logger(__name__)


class TopicFault(NamedTuple):
    """Why a worker cannot work with a topic, and what to do about it."""

    topic: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.problem}; {self.remedy}"


async def check_topics(settings: Settings) -> list[TopicFault]:
    """Return every fault of the topics that the settings name; an unreadable file is one, and a broker's refusal.

    Raises BrokerUnreachableError when no broker answers, and SettingsError.
    """
    try:
        topics = load_topics(settings)
        return await compare_topics(build_connection(settings), topics, sizes=settings.topics_check == "full")
    except TopicsFileError as error:
        return [TopicFault("topics", str(error), f"mend {settings.topics_file}")]
    except RefusedByBrokerError as error:
        return [TopicFault("topics", str(error), "the broker refused to tell")]


async def compare_topics(connection: Connection, topics: TopicsFile, *, sizes: bool) -> list[TopicFault]:
    """Return every fault that would stop or mislead a worker; empty when it can start.

    `sizes` also compares `max.message.bytes`. Logged as a warning, since the worker can work: a broker that does not
    tell its configuration, an input whose batches are not bounded when inflated.
    Raises BrokerUnreachableError when no broker answers, RefusedByBrokerError when one refuses to.
    """
    found = await find_topics(connection, topics, configs=sizes)
    faults = _find_missing(topics, found) + _find_uneven(topics, found)
    if not sizes:
        return faults
    _warn_unbounded(topics.topics[INPUT].name, found)
    return faults + _find_small(topics, found)


async def find_topics(connection: Connection, topics: TopicsFile, *, configs: bool = True) -> dict[str, FoundTopic]:
    """Return the topics that exist, by name, with their configuration if asked for. Raises as `compare_topics`."""
    names = [topic.name for topic in topics.topics.values()]
    async with reach_cluster(connection) as cluster:
        found = await cluster.find_topics(names)
        told = await cluster.find_configs(found) if configs and found else {}
    return {name: topic._replace(config=told.get(name)) for name, topic in found.items()}


async def apply_steps(connection: Connection, steps: Iterable[Step]) -> None:
    """Carry out the steps in order; repeating is safe. Raises RefusedByBrokerError at the first that is refused."""
    async with reach_cluster(connection) as cluster:
        for step in steps:
            await _take(cluster, step)


async def _take(cluster: Cluster, step: Step) -> None:
    match step:
        case CreateTopic():
            await cluster.create(step.topic, step.partitions, step.replication, step.config)
        case AddPartitions():
            await cluster.add_partitions(step.topic, step.wanted)
        case SetConfig():
            await cluster.set_configs(step.topic, {step.key: step.wanted})


def _find_missing(topics: TopicsFile, found: dict[str, FoundTopic]) -> list[TopicFault]:
    return [
        TopicFault(
            topic.name, "the topic does not exist", f"run `sluice topics apply`, or set SLUICE_{role.upper()}_TOPIC"
        )
        for role, topic in topics.topics.items()
        if topic.name not in found
    ]


def _find_uneven(topics: TopicsFile, found: dict[str, FoundTopic]) -> list[TopicFault]:
    source = topics.topics[INPUT].name
    if source not in found:
        return []
    wanted = found[source].partitions
    return [
        TopicFault(
            name,
            f"it has {found[name].partitions} partitions, its input {source} has {wanted}",
            "outputs go to their input's partition: run `sluice topics apply`",
        )
        for name in (topics.topics[role].name for role in OUTPUTS)
        if name in found and found[name].partitions != wanted
    ]


def _find_small(topics: TopicsFile, found: dict[str, FoundTopic]) -> list[TopicFault]:
    faults = []
    for topic in topics.topics.values():
        if topic.name not in found:
            continue
        limit = (found[topic.name].config or {}).get(MAX_BYTES)
        if limit is None:
            _log.warning(
                "topic_size_unknown", topic=topic.name, remedy="set SLUICE_TOPICS_CHECK=partitions if expected"
            )
        elif int(limit) < topic.max_bytes:
            faults.append(_word_small(topic, int(limit)))
    return faults


def _word_small(topic: Topic, limit: int) -> TopicFault:
    problem = f"its {MAX_BYTES} is {limit:,}, less than the {topic.max_bytes:,} of the topics' file"
    return TopicFault(topic.name, problem, "run `sluice topics apply`")


def _warn_unbounded(name: str, found: dict[str, FoundTopic]) -> None:
    compression = (found[name].config or {}).get("compression.type") if name in found else None
    if compression not in (None, "uncompressed"):
        _log.warning(
            "batches_unbounded",
            topic=name,
            compression_type=compression,
            problem="a compressed batch is inflated as a whole, and the broker limits its compressed size only",
            remedy="run `sluice topics apply`",
        )
