from datetime import UTC, datetime

from service.contracts.control import Resume
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.control import read_control, write_control
from service.worker.topics import apply_steps, check_topics, find_topics
from service.worker.topics_file import ROLES, load_topics
from service.worker.topics_plan import plan_topics
from tests.kafka_broker import KafkaBroker


async def test_the_file_as_shipped_outlives_a_broker(kafka_cluster: KafkaBroker, unique: str) -> None:
    """Three replicas, two in sync: with one broker killed the topics are found, checked and written to."""
    names = {f"{role}_topic": f"{unique}.{role}" for role in ROLES}
    settings = Settings.model_validate({"brokers": kafka_cluster.bootstrap, **names})
    connection, topics = build_connection(settings), load_topics(settings)
    await apply_steps(connection, plan_topics(topics, await find_topics(connection, topics)).steps)
    found = await find_topics(connection, topics)
    assert plan_topics(topics, found) == ((), ())
    assert {topic.replication for topic in found.values()} == {3}
    kafka_cluster.kill(2)
    for _ in range(6):  # each asks another broker first
        assert await check_topics(settings) == []
    resume = Resume(by="me", at=datetime(2026, 1, 31, tzinfo=UTC))
    await write_control(connection, settings.control_topic, "trip/a", resume)
    assert await read_control(connection, settings.control_topic) == {"trip/a": resume}
