import subprocess
import sys
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError
from confluent_kafka import Producer
from structlog.testing import capture_logs

from service.settings import Settings
from service.worker.connection import BrokerUnreachableError, build_connection
from service.worker.topics import apply_steps, check_topics, find_topics
from service.worker.topics_cluster import RefusedByBrokerError
from service.worker.topics_file import LEDGERS, ROLES, TopicsFile, load_topics
from service.worker.topics_plan import AddPartitions, SetConfig, plan_topics, plan_without_widening
from tests.kafka_broker import KafkaBroker

YEAR_9999_MS = 253_370_764_800_000


def name_settings(brokers: str, prefix: str) -> Settings:
    names = {f"{role}_topic": f"{prefix}.{role}" for role in ROLES}
    return Settings.model_validate({"brokers": brokers, **names})


@pytest.fixture
def settings(kafka: KafkaBroker, unique: str) -> Settings:
    return name_settings(kafka.bootstrap, unique)


@pytest.fixture
def topics(settings: Settings) -> TopicsFile:
    return load_topics(settings).resize(partitions=3, replication=1)


async def apply(settings: Settings, topics: TopicsFile) -> None:
    connection = build_connection(settings)
    await apply_steps(connection, plan_topics(topics, await find_topics(connection, topics)).steps)


async def test_apply_makes_the_topics_and_repeating_it_does_nothing(settings: Settings, topics: TopicsFile) -> None:
    """What was missing is created as the file says; then there is nothing left to do and a worker may start."""
    await apply(settings, topics)
    found = await find_topics(build_connection(settings), topics)
    assert plan_topics(topics, found) == ((), ())
    assert {name: topic.partitions for name, topic in found.items()} == {
        topic.name: 1 if role in LEDGERS else 3 for role, topic in topics.topics.items()
    }
    decisions = found[settings.decisions_topic].config
    assert decisions is not None
    assert decisions["retention.ms"] == "2592000000"
    assert decisions["min.insync.replicas"] == "1"
    assert await check_topics(settings) == []


async def test_each_missing_topic_is_named_with_the_remedy(settings: Settings) -> None:
    """Nothing is created by asking."""
    for _ in range(2):
        faults = [str(fault) for fault in await check_topics(settings)]
        assert faults[0] == (
            f"{settings.submissions_topic}: the topic does not exist; run `sluice topics apply`,"
            " or set SLUICE_SUBMISSIONS_TOPIC"
        )
        assert len(faults) == 8


async def test_an_output_with_another_partition_count_is_a_fault(
    kafka: KafkaBroker, settings: Settings, topics: TopicsFile
) -> None:
    """An output of two partitions cannot take the third partition's decisions; apply widens it."""
    kafka.create_topics(settings.decisions_topic, partitions=2, config={"max.message.bytes": "2097152"})
    await apply(settings, topics.resize(partitions=2))
    await apply_steps(build_connection(settings), [AddPartitions(settings.submissions_topic, 2, 3, moves_keys=True)])
    faults = await check_topics(settings)
    assert [fault.topic for fault in faults] == [
        settings.decisions_topic,
        settings.review_tasks_topic,
        settings.dead_letters_topic,
        settings.shadow_topic,
    ]
    assert "it has 2 partitions, its input" in faults[0].problem
    await apply(settings, topics)
    assert await check_topics(settings) == []


async def test_partitions_are_never_removed_and_keys_are_not_moved_unasked(
    settings: Settings, topics: TopicsFile
) -> None:
    """A file with fewer partitions changes nothing; one with more widens an input only when asked to."""
    await apply(settings, topics)
    connection = build_connection(settings)
    found = await find_topics(connection, topics)
    narrower = plan_topics(topics.resize(partitions=2), found)
    assert narrower.steps == ()
    assert "has 3 partitions, the file says 2; they are kept" in str(narrower.notes[0])
    assert plan_without_widening(topics.resize(partitions=5), found).steps == ()
    await apply(settings, topics.resize(partitions=5))
    assert {topic.partitions for topic in (await find_topics(connection, topics)).values()} == {1, 5}


async def test_a_size_limit_below_the_files_is_a_fault_unless_sizes_are_left_out(
    settings: Settings, topics: TopicsFile
) -> None:
    """A review task that its topic refuses would fail its transaction for ever."""
    await apply(settings, topics)
    step = SetConfig(settings.review_tasks_topic, "max.message.bytes", None, "1048576")
    await apply_steps(build_connection(settings), [step])
    [fault] = await check_topics(settings)
    assert fault.topic == settings.review_tasks_topic
    assert fault.problem == "its max.message.bytes is 1,048,576, less than the 4,194,304 of the topics' file"
    assert fault.remedy == "run `sluice topics apply`"
    assert await check_topics(settings.model_copy(update={"topics_check": "partitions"})) == []


async def test_setting_one_value_leaves_what_an_operator_set_by_hand(settings: Settings, topics: TopicsFile) -> None:
    """AlterConfigs would have reset the values that it does not name."""
    await apply(settings, topics)
    connection, name = build_connection(settings), settings.decisions_topic
    by_hand = [SetConfig(name, "segment.ms", None, "3600000"), SetConfig(name, "retention.ms", None, "1000")]
    await apply_steps(connection, by_hand)
    plan = plan_topics(topics, await find_topics(connection, topics))
    assert plan.steps == (SetConfig(name, "retention.ms", "1000", "2592000000"),)
    await apply_steps(connection, plan.steps)
    config = (await find_topics(connection, topics))[name].config
    assert config is not None
    assert (config["segment.ms"], config["retention.ms"]) == ("3600000", "2592000000")


async def test_too_few_brokers_are_told_with_the_remedy(settings: Settings) -> None:
    """Three replicas need three brokers."""
    with pytest.raises(RefusedByBrokerError, match=r"\.submissions: InvalidReplicationFactor.*pass `--replication`"):
        await apply(settings, load_topics(settings))


async def test_no_broker_is_another_thing_than_a_fault() -> None:
    """A worker waits for a broker; it does not wait for a topic."""
    with pytest.raises(BrokerUnreachableError, match=r"no Kafka broker answers at 127\.0\.0\.1:1 .*SLUICE_BROKERS"):
        await check_topics(Settings.model_validate({"brokers": "127.0.0.1:1"}))


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4", "snappy"])
async def test_the_input_refuses_a_batch_that_inflates_beyond_its_limit(
    settings: Settings, topics: TopicsFile, codec: str
) -> None:
    """compression.type=uncompressed bounds what a worker holds: a batch is measured after the broker inflated it."""
    await apply(settings, topics)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.brokers, compression_type=codec, max_request_size=2**30, max_batch_size=2**24
    )
    await producer.start()
    try:
        bomb = producer.create_batch()
        for _ in range(12):
            assert bomb.append(key=None, value=bytes(100_000), timestamp=None) is not None
        with pytest.raises(MessageSizeTooLargeError):
            await (await producer.send_batch(bomb, settings.submissions_topic, partition=0))
        await producer.send_and_wait(settings.submissions_topic, bytes(1_048_576), partition=0)
        # the same batch is let in where the broker measures what was sent
        await apply_steps(
            build_connection(settings), [SetConfig(settings.submissions_topic, "compression.type", None, "producer")]
        )
        await producer.send_and_wait(settings.submissions_topic, bytes(8_000_000), partition=0)
    finally:
        await producer.stop()


async def test_an_input_whose_batches_are_not_bounded_is_warned_of(settings: Settings, topics: TopicsFile) -> None:
    """The worker can start, but its memory is not bounded by the topic any more."""
    await apply(settings, topics)
    await apply_steps(
        build_connection(settings), [SetConfig(settings.submissions_topic, "compression.type", None, "zstd")]
    )
    with capture_logs() as logs:
        assert await check_topics(settings) == []
    assert [(log["event"], log["topic"]) for log in logs] == [("batches_unbounded", settings.submissions_topic)]


async def test_a_skewed_clock_cannot_fail_an_output(settings: Settings, topics: TopicsFile) -> None:
    """With CreateTime the broker refuses a time far ahead of its own; with LogAppendTime it writes its own."""
    await apply(settings, topics)
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers)
    await producer.start()
    try:
        sent = {"value": b"{}", "partition": 0, "timestamp_ms": YEAR_9999_MS}
        await producer.send_and_wait(settings.decisions_topic, **sent)
        create_time = SetConfig(settings.decisions_topic, "message.timestamp.type", None, "CreateTime")
        await apply_steps(build_connection(settings), [create_time])
        with pytest.raises(InvalidTimestampError):
            await producer.send_and_wait(settings.decisions_topic, **sent)
    finally:
        await producer.stop()


@pytest.fixture
def mock_brokers() -> Iterator[str]:
    """Start librdkafka's mock cluster, which knows no DescribeConfigs."""
    holder = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "ignored"})
    brokers = holder.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    holder.flush(1)


async def test_a_broker_that_does_not_tell_its_configuration_is_no_fault(mock_brokers: str, unique: str) -> None:
    """Stand-ins and strict ACLs leave sizes unknown: the worker says so and starts."""
    settings = name_settings(mock_brokers, unique)
    producer = Producer({"bootstrap.servers": mock_brokers})
    for topic in load_topics(settings).topics.values():  # the mock makes a topic when it is written to
        producer.produce(topic.name, b"")
    producer.flush(10)
    with capture_logs() as logs:
        assert await check_topics(settings) == []
    assert {log["event"] for log in logs} == {"topic_size_unknown"}


def test_the_commands_tell_a_person_and_a_script(settings: Settings) -> None:
    """`check` fails and names the remedy, `apply` mends, `check` is content."""
    variables = {
        f"SLUICE_{name.upper()}": str(getattr(settings, name))
        for name in ("brokers", *(f"{role}_topic" for role in load_topics(settings).topics))
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", "from service.cli import main; main()", "topics", *arguments]
        return subprocess.run(program, env=variables, capture_output=True, text=True, check=False)

    asked = run("check", "--replication", "1", "--partitions", "2")
    assert asked.returncode == 1
    assert f"FAULT {settings.submissions_topic}: the topic does not exist; run `sluice topics apply`" in asked.stdout
    planned = run("plan", "--replication", "1", "--partitions", "2")
    assert planned.returncode == 0
    assert f"+ {settings.decisions_topic}: create, 2 partitions, replication 1" in planned.stdout
    assert run("apply", "--replication", "1", "--partitions", "2").returncode == 0
    asked = run("check", "--partitions", "2")
    assert (asked.returncode, asked.stdout) == (0, "The topics are as the file says.\n")
    refused = run("apply", "--replication", "1", "--partitions", "4")
    assert refused.returncode == 1
    assert "--add-partitions" in refused.stdout
    assert run("check", "--partitions", "2").returncode == 0
