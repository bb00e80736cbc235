"""Fixtures that every test may ask for: a real Apache Kafka, and names that no other test uses."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from deploy.kafka.cluster import end_leftovers
from deploy.kafka.jars import UnavailableError
from tests.kafka_broker import KafkaBroker

# The same examples in every run: a search for new ones is worth having, but not in the way of somebody else's change.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")

ROOT = Path(__file__).resolve().parents[1]
CLUSTERS = ROOT / ".run" / "kafka" / "tests"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that asks for a broker, so that `-m "not kafka"` leaves out all of them and only them."""
    for item in items:
        if {"kafka", "kafka_cluster"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


def _serve(brokers: int) -> Iterator[KafkaBroker]:
    CLUSTERS.mkdir(parents=True, exist_ok=True)
    end_leftovers(CLUSTERS)
    broker = KafkaBroker(CLUSTERS / f"{os.getpid()}-{brokers}-{uuid.uuid4().hex[:6]}", brokers)
    try:
        broker.start()
        yield broker
    except UnavailableError as error:
        # a failure, never a skip: a green run has met a real Kafka
        pytest.fail(f"this test needs Apache Kafka: {error}", pytrace=False)
    finally:
        broker.remove()


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaBroker]:
    """One Apache Kafka broker for the session, started by the first test that asks for it."""
    yield from _serve(brokers=1)


@pytest.fixture(scope="module")
def kafka_cluster() -> Iterator[KafkaBroker]:
    """Three Apache Kafka brokers for one module, for tests that take one of them away."""
    yield from _serve(brokers=3)


@pytest.fixture(autouse=True)
def _kafka_is_up(request: pytest.FixtureRequest) -> None:
    """Bring back the brokers that an earlier test stopped, even if it failed while they were down."""
    for name in {"kafka", "kafka_cluster"} & set(request.fixturenames):
        request.getfixturevalue(name).start()


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> str:
    """Return a name that no other test and no earlier run uses, for topics, groups and transactional ids."""
    words = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower()).strip("-")
    return f"{words[:60]}-{uuid.uuid4().hex[:8]}"
