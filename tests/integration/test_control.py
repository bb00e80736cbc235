import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from service.contracts.control import AnyControl, Replay, Resume, Trip, name_replay, name_trip
from service.settings import Settings
from service.worker.connection import BrokerUnreachableError, Connection, build_connection
from service.worker.control import follow_control, read_control, write_control
from service.worker.topics_cluster import RefusedByBrokerError
from tests.kafka_broker import KafkaBroker

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
TRIP = Trip(build="1.2.3", cause="moderation_failed", message="60 of 100 ads failed", worker="a:1", at=NOW)
RESUME = Resume(by="ops@host", at=NOW)
REPLAY = Replay(by="ops@host", at=NOW, mended=False)


@pytest.fixture
def connection(kafka: KafkaBroker) -> Connection:
    return build_connection(Settings.model_validate({"brokers": kafka.bootstrap}))


async def test_the_last_record_of_a_key_counts(kafka: KafkaBroker, connection: Connection, unique: str) -> None:
    """A trip, its resume and another group's trip: what is read is how each stands now."""
    kafka.create_topics(unique, config={"cleanup.policy": "compact"})
    assert await read_control(connection, unique) == {}
    await write_control(connection, unique, name_trip("a"), TRIP)
    await write_control(connection, unique, name_trip("b"), TRIP)
    await write_control(connection, unique, name_trip("a"), RESUME)
    await write_control(connection, unique, name_replay("t", 3, 41), REPLAY)
    assert await read_control(connection, unique) == {"trip/a": RESUME, "trip/b": TRIP, "replay/t-3-41": REPLAY}


async def test_tombstones_forget_and_unreadable_records_are_skipped_with_a_log(
    kafka: KafkaBroker, connection: Connection, unique: str
) -> None:
    """A record of a newer release, or of somebody who mistook the topic, stops nobody."""
    kafka.create_topics(unique, partitions=3)
    trip = TRIP.model_dump_json().encode()
    kafka.produce(
        unique,
        [
            (b"trip/a", trip),
            (b"trip/b", trip),
            (b"trip/a", None),
            (b"trip/b", b'{"kind":"pause"}'),
            (b"\xff", trip),
            (b"x", b"{"),
            (None, trip),
        ],
    )
    with capture_logs() as logs:
        found = await read_control(connection, unique)
    assert {key: record for key, record in found.items() if key} == {"trip/b": TRIP}
    assert [log["event"] for log in logs] == ["control_record_skipped"] * 3


async def take(records: AsyncIterator[tuple[str, AnyControl]], within_s: float = 20) -> tuple[str, AnyControl]:
    return await asyncio.wait_for(anext(records), within_s)


async def test_a_follower_gets_what_is_known_and_then_each_new_record(
    kafka: KafkaBroker, connection: Connection, unique: str
) -> None:
    """It begins with the present state, once a key, so that no trip is missed between reading and following."""
    kafka.create_topics(unique)
    await write_control(connection, unique, "trip/a", TRIP)
    await write_control(connection, unique, "trip/a", RESUME)
    await write_control(connection, unique, "trip/b", TRIP)
    following = follow_control(connection, unique)
    assert [await take(following), await take(following)] == [("trip/a", RESUME), ("trip/b", TRIP)]
    next_one = asyncio.create_task(take(following))
    kafka.produce(unique, [(b"trip/b", b"not JSON"), (b"trip/b", None)])
    await write_control(connection, unique, "trip/b", RESUME)
    assert await next_one == ("trip/b", RESUME)
    await write_control(connection, unique, "trip/a", TRIP)
    assert await take(following) == ("trip/a", TRIP)
    await following.aclose()


async def test_a_follower_waits_out_an_outage(kafka: KafkaBroker, connection: Connection, unique: str) -> None:
    """A broker that comes back brings the records that were written since."""
    kafka.create_topics(unique)
    await write_control(connection, unique, "trip/a", TRIP)
    following = follow_control(connection, unique)
    assert await take(following) == ("trip/a", TRIP)
    waiting = asyncio.create_task(take(following, within_s=60))
    await asyncio.to_thread(kafka.restart)
    await write_control(connection, unique, "trip/a", RESUME)
    assert await waiting == ("trip/a", RESUME)
    await following.aclose()


async def test_a_missing_topic_and_a_missing_broker_are_told_apart(connection: Connection, unique: str) -> None:
    """The one needs a person, the other needs time."""
    with pytest.raises(RefusedByBrokerError, match=f"{unique}: the topic does not exist; run `sluice topics apply`"):
        await read_control(connection, unique)
    nobody = build_connection(Settings.model_validate({"brokers": "127.0.0.1:1"}))
    with pytest.raises(BrokerUnreachableError):
        await read_control(nobody, unique)
    with pytest.raises(BrokerUnreachableError):
        await write_control(nobody, unique, "trip/a", TRIP)
