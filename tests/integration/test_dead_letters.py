import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient

from service.contracts.control import Replay
from service.contracts.dead_letter import CausedBy, DeadLetter, Unreadable
from service.settings import Settings
from service.worker.connection import Connection, build_connection
from service.worker.control import read_control
from service.worker.dead_letter_record import DeadLetterRecord, build_dead_letter
from service.worker.dead_letters import Selection, StoredDeadLetter, fetch_dead_letter, list_newest, read_dead_letters
from service.worker.replay import ReplayedLetter, ReplayInterruptedError, replay_dead_letters
from service.worker.replay_record import ReplayOptions
from tests.consumed import Consumed
from tests.kafka_broker import KafkaBroker, Record

SENDER = DeadLetter(Unreadable.NOT_JSON, CausedBy.SENDER, "character 1", "not JSON; send JSON")
SERVICE = DeadLetter(Unreadable.READER_FAILED, CausedBy.SERVICE, "value", "a fault of Sluice: report, replay")
EVERYTHING = Selection()
OPERATOR = ReplayOptions(by="ops@host")
HEADERS: list[tuple[str, bytes | None]] = [("trace", b"\xff"), ("trace", None)]


def write_ad(ad_id: str, padding: int = 0) -> bytes:
    ad = {
        "schema_version": 1,
        "ad_id": ad_id,
        "revision": 1,
        "submitted_at": "2026-01-31T09:30:00Z",
        "advertiser": {"id": "adv-1"},
        "vertical": "retail",
        "market": "DE",
        "product": "feed",
        "creative": {"headline": "Running shoes"},
    }
    return json.dumps(ad).encode() + b" " * padding


class Bench:
    """Topics of one test, and a hand that buries submissions in them."""

    def __init__(self, kafka: KafkaBroker, prefix: str) -> None:
        names = {f"{role}_topic": f"{prefix}.{role}" for role in ("submissions", "dead_letters", "control")}
        self.settings = Settings.model_validate({"brokers": kafka.bootstrap, **names})
        self.kafka = kafka
        limit = {"max.message.bytes": "2097152"}
        kafka.create_topics(
            self.settings.submissions_topic, self.settings.dead_letters_topic, partitions=3, config=limit
        )
        kafka.create_topics(self.settings.control_topic, config={"cleanup.policy": "compact"})

    @property
    def connection(self) -> Connection:
        return build_connection(self.settings)

    async def bury(  # noqa: PLR0913 - each test sets another
        self,
        key: bytes | None,
        value: bytes | None,
        letter: DeadLetter = SENDER,
        *,
        partition: int = 1,
        max_bytes: int = 2_097_152,
        commit: bool = True,
    ) -> Consumed:
        """Send a submission and its dead letter as the worker would; returns the submission's record."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.brokers,
            transactional_id=f"{self.settings.submissions_topic}-test",
            max_request_size=2**24,
            max_batch_size=2**24,
        )
        await producer.start()
        try:
            async with producer.transaction():
                sent = await self._send(
                    producer, self.settings.submissions_topic, partition, DeadLetterRecord(key, value, HEADERS)
                )
            record = Consumed(sent.topic, partition, sent.offset, 1_700_000_000_000, key, value, HEADERS)
            built = build_dead_letter(record, letter, "1.2.3", max_bytes)
            await producer.begin_transaction()
            await self._send(producer, self.settings.dead_letters_topic, partition, built)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        finally:
            await producer.stop()
        return record

    async def _send(self, producer: AIOKafkaProducer, topic: str, partition: int, record: DeadLetterRecord) -> Consumed:
        batch = producer.create_batch()
        batch.append(key=record.key, value=record.value, timestamp=None, headers=record.headers)
        delivered: Consumed = await (await producer.send_batch(batch, topic, partition=partition))
        return delivered

    def letters(self, selection: Selection = EVERYTHING) -> AsyncGenerator[StoredDeadLetter, None]:
        return read_dead_letters(self.connection, self.settings.dead_letters_topic, selection)

    async def replay(
        self, options: ReplayOptions = OPERATOR, selection: Selection = EVERYTHING
    ) -> list[ReplayedLetter]:
        return [result async for result in replay_dead_letters(self.settings, self.letters(selection), options)]

    def put_back(self) -> list[Record]:
        """Return the submissions that replays wrote, committed ones only."""
        return [
            record
            for record in self.kafka.read(self.settings.submissions_topic)
            if any(name == "sluice.replayed.from" for name, _ in record.headers)
        ]


@pytest.fixture
def bench(kafka: KafkaBroker, unique: str) -> Bench:
    return Bench(kafka, unique)


async def test_the_newest_come_first_and_filters_hold(bench: Bench) -> None:
    """What was never committed is not shown; a limit keeps the newest."""
    await bench.bury(b"1", b"{", partition=0)
    await bench.bury(b"2", write_ad("2"), SERVICE, partition=2)
    await bench.bury(b"never", b"{", commit=False)
    await bench.bury(b"3", b"{", partition=1)
    connection, topic = bench.connection, bench.settings.dead_letters_topic

    async def keys(selection: Selection, limit: int = 10) -> list[bytes | None]:
        return [letter.key for letter in await list_newest(connection, topic, selection, limit)]

    assert await keys(EVERYTHING) == [b"3", b"2", b"1"]
    assert await keys(EVERYTHING, limit=2) == [b"3", b"2"]
    assert await keys(Selection(caused_by="service")) == [b"2"]
    assert await keys(Selection(cause="not_json")) == [b"3", b"1"]
    [third, second, _] = await list_newest(connection, topic, EVERYTHING, 10)
    assert await keys(Selection(since_ms=second.timestamp_ms)) == [b"3", b"2"]
    assert await keys(Selection(since_ms=third.timestamp_ms + 60_000)) == []


async def test_one_is_fetched_by_its_coordinates(bench: Bench) -> None:
    """A place that holds no record, such as a transaction's marker, gives none."""
    record = await bench.bury(b"k", b"\xff{")
    connection, topic = bench.connection, bench.settings.dead_letters_topic
    letter = await fetch_dead_letter(connection, topic, 1, 0)
    assert letter is not None
    assert (letter.key, letter.value, list(letter.headers[:2])) == (b"k", b"\xff{", HEADERS)
    assert letter.origin == (record.topic, 1, record.offset)
    for partition, offset in ((1, 1), (1, 99), (0, 0), (7, 0)):
        assert await fetch_dead_letter(connection, topic, partition, offset) is None


async def test_a_replay_puts_the_record_back_where_it_came_from_once(bench: Bench) -> None:
    """Same key, bytes, headers and partition; the ledger says who did it; a second replay is refused."""
    await bench.bury(b"ad-1", write_ad("ad-1"), SERVICE, partition=2)
    [result] = await bench.replay()
    assert (result.refused, result.partition) == (None, 2)
    [record] = bench.put_back()
    assert (record.partition, record.key, record.value) == (2, b"ad-1", write_ad("ad-1"))
    topic = bench.settings.dead_letters_topic
    assert list(record.headers) == [*HEADERS, ("sluice.replayed.from", f"{topic}-2-0".encode())]
    entry = (await read_control(bench.connection, bench.settings.control_topic))[f"replay/{topic}-2-0"]
    assert isinstance(entry, Replay)
    assert (entry.by, entry.mended) == ("ops@host", False)
    [result] = await bench.replay()
    assert "replayed already by ops@host" in str(result.refused)
    assert len(bench.put_back()) == 1
    [result] = await bench.replay(ReplayOptions(by="x", again=True))
    assert result.refused is None
    assert len(bench.put_back()) == 2


async def test_what_still_cannot_be_read_is_left_unless_mended_or_unchecked(bench: Bench) -> None:
    """A replay that would only make another dead letter is refused with the reader's message."""
    await bench.bury(b"ad-1", b"{oops")
    [result] = await bench.replay()
    assert "it would become a dead letter again (not_json)" in str(result.refused)
    [result] = await bench.replay(ReplayOptions(by="x", mended=b'{"ad_id": 3}'))
    assert "(invalid_field)" in str(result.refused)
    [result] = await bench.replay(ReplayOptions(by="x", mended=write_ad("ad-1"), dry_run=True))
    assert result.refused is None
    assert bench.put_back() == []
    [result] = await bench.replay(ReplayOptions(by="x", mended=write_ad("ad-1")))
    assert result.refused is None
    [result] = await bench.replay(ReplayOptions(by="x", unchecked=True, again=True))
    assert result.refused is None
    assert [record.value for record in bench.put_back()] == [write_ad("ad-1"), b"{oops"]


async def test_a_record_without_a_value_needs_one(bench: Bench) -> None:
    """An empty record cannot be put back as it is, not even unchecked."""
    await bench.bury(None, None)
    [result] = await bench.replay(ReplayOptions(by="x", unchecked=True))
    assert "supply one with --value FILE" in str(result.refused)
    [result] = await bench.replay(ReplayOptions(by="x", mended=write_ad("ad-1")))
    assert result.refused is None
    assert [record.key for record in bench.put_back()] == [None]


async def test_a_cut_dead_letter_is_put_back_whole_from_its_original(bench: Bench) -> None:
    """The original lies at its coordinates and is recognised by its hash: value, headers and key come back."""
    whole = write_ad("ad-1", padding=300_000)
    await bench.bury(b"k" * 40_000, whole, SERVICE, max_bytes=100_000)
    [letter] = [letter async for letter in bench.letters()]
    assert letter.is_cut
    assert letter.key is None
    [result] = await bench.replay()
    assert result.refused is None
    [record] = bench.put_back()
    assert (record.key, record.value, list(record.headers[:2])) == (b"k" * 40_000, whole, HEADERS)


async def test_a_cut_dead_letter_whose_original_is_gone_needs_a_value(bench: Bench, kafka: KafkaBroker) -> None:
    """Half a submission is never put back; with a value supplied, the lost key is its ad's id."""
    await bench.bury(b"k" * 40_000, write_ad("ad-1", padding=300_000), SERVICE, max_bytes=100_000)
    others = bench.settings.model_copy(update={"submissions_topic": f"{bench.settings.submissions_topic}-new"})
    kafka.create_topics(others.submissions_topic)
    delete_topic(kafka, bench.settings.submissions_topic)
    bench.settings = others
    [result] = await bench.replay()
    assert "it was cut, and its original cannot be read" in str(result.refused)
    assert "supply the value with --value FILE" in str(result.refused)
    [result] = await bench.replay(ReplayOptions(by="x", mended=write_ad("ad-1")))
    assert result.refused is None
    [record] = bench.put_back()
    assert (record.key, record.value) == (b"ad-1", write_ad("ad-1"))


async def test_another_record_at_the_originals_place_is_not_taken_for_it(bench: Bench, kafka: KafkaBroker) -> None:
    """A topic that was made anew has other records at the old coordinates."""
    await bench.bury(b"k", write_ad("ad-1", padding=300_000), SERVICE, max_bytes=100_000)
    topic = bench.settings.submissions_topic
    delete_topic(kafka, topic)
    kafka.create_topics(topic, partitions=2)
    await bench.bury(b"k", write_ad("ad-2"), SERVICE)
    results = await bench.replay()
    assert "what lies at" in str(results[0].refused)
    assert [result.refused is None for result in results] == [False, True]


async def test_two_operators_at_once_put_each_back_once(bench: Bench) -> None:
    """The second fences the first: one of them is interrupted or finds the ledger full, none doubles."""
    first = await bench.bury(b"ad-0", write_ad("ad-0"), SERVICE)
    letters = [build_dead_letter(first, SERVICE, "b", 2**20)] * 450
    producer = AIOKafkaProducer(bootstrap_servers=bench.settings.brokers, linger_ms=5)
    await producer.start()
    for key, value, headers in letters:
        await producer.send(bench.settings.dead_letters_topic, value, key, 1, headers=headers)
    await producer.stop()

    outcomes = await asyncio.gather(bench.replay(), bench.replay(), bench.replay(), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            assert isinstance(outcome, ReplayInterruptedError)
            assert "another replay took over" in str(outcome)
    await bench.replay()
    sources = [dict(record.headers)["sluice.replayed.from"] for record in bench.put_back()]
    assert len(sources) == len(set(sources)) == 451


async def test_all_are_put_back_in_order(bench: Bench) -> None:
    """More than one transaction holds; a partition's order is kept; what a replay wrote is not replayed itself."""
    record = await bench.bury(b"ad-0", write_ad("ad-0"), SERVICE)
    producer = AIOKafkaProducer(bootstrap_servers=bench.settings.brokers)
    await producer.start()
    for number in range(1, 230):
        record.value = write_ad(f"ad-{number}")
        key, value, headers = build_dead_letter(record, SERVICE, "b", 2**20)
        await producer.send(bench.settings.dead_letters_topic, value, key, 1, headers=headers)
    await producer.stop()
    results = await bench.replay()
    assert len(results) == 230
    put_back = [json.loads(record.value or b"")["ad_id"] for record in bench.put_back()]
    assert put_back == [f"ad-{number}" for number in range(230)]


def delete_topic(kafka: KafkaBroker, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.delete_topics([topic])[topic].result(30)
