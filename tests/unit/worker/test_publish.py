import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from service.observability.metrics import Metrics
from service.worker.outputs import ChunkOutputs, OutputRecord
from service.worker.publish import (
    IDS_PER_PARTITION,
    OutputTopics,
    PlainPublisher,
    TransactionalPublisher,
    build_batches,
    send_records,
)

TOPICS = OutputTopics("decisions", "tasks", "letters")
PARTITION = TP("in", 3)
BATCH_BYTES = 4_096


class FakeProducer:
    """Stands for aiokafka's producer: notes what it is asked in `calls`, and fails at the step `fails_at`."""

    def __init__(self, name: str, calls: list[tuple[str, ...]], real: AIOKafkaProducer, fails_at: str = "") -> None:
        self.name = name
        self.fails_at = fails_at
        self.sent: list[tuple[str, int, int]] = []
        self.offsets: list[tuple[dict[TopicPartition, int], str]] = []
        self._calls = calls
        self._real = real

    def create_batch(self) -> Any:  # noqa: ANN401 - aiokafka is untyped
        return self._real.create_batch()

    async def _note(self, step: str) -> None:
        self._calls.append((self.name, step))
        await asyncio.sleep(0)
        if step == self.fails_at:
            raise ProducerFenced(step)

    async def start(self) -> None:
        await self._note("start")

    async def stop(self) -> None:
        await self._note("stop")

    async def begin_transaction(self) -> None:
        await self._note("begin")

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[None]:  # noqa: ANN401
        await self._note("send")
        self.sent.append((topic, partition, batch.record_count()))
        delivery: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.fails_at == "delivery":
            delivery.set_exception(KafkaError("not delivered"))
        else:
            delivery.set_result(None)
        return delivery

    async def send_offsets_to_transaction(self, offsets: dict[TopicPartition, int], group: str) -> None:
        await self._note("offsets")
        self.offsets.append((offsets, group))

    async def commit_transaction(self) -> None:
        await self._note("commit")

    async def abort_transaction(self) -> None:
        await self._note("abort")


@pytest.fixture
async def real() -> AsyncIterator[AIOKafkaProducer]:
    """Return aiokafka's own producer, never started: its batches need no broker."""
    producer = AIOKafkaProducer(max_batch_size=BATCH_BYTES)
    yield producer
    await producer.stop()


class Bench:
    """A transactional publisher over fake producers."""

    def __init__(self, real: AIOKafkaProducer, fails_at: str = "") -> None:
        self.calls: list[tuple[str, ...]] = []
        self.metrics = Metrics()
        self.publisher = TransactionalPublisher(PARTITION, "group", TOPICS, {}, self.metrics)
        self.ids = [producer._txn_manager.transactional_id for producer in self.publisher._producers]
        self._unused = list(self.publisher._producers)
        self.fakes = [FakeProducer(name, self.calls, real, fails_at) for name in "ab"]
        # the cycle is what the publisher takes its turns from
        self.publisher._producers[:] = self.fakes
        self.publisher._turns = iter(self.fakes * 10)  # type: ignore[assignment]

    async def close(self) -> None:
        for producer in self._unused:
            await producer.stop()

    def count(self, result: str) -> float:
        page = self.metrics.render()[0].decode()
        line = f'sluice_transactions_total{{result="{result}"}} '
        return next((float(text.removeprefix(line)) for text in page.splitlines() if text.startswith(line)), 0.0)


def outputs_of(decisions: int, tasks: int = 0, letters: int = 0) -> ChunkOutputs:
    def make(kind: str, count: int) -> list[OutputRecord]:
        return [OutputRecord(f"{kind}-{number}".encode(), b"v") for number in range(count)]

    outputs = ChunkOutputs(make("d", decisions), make("t", tasks), make("l", letters))
    outputs.tally.submissions = decisions + letters
    return outputs


def read_batches(batches: Sequence[Any]) -> list[list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]]:
    """Return what a consumer would read out of each batch."""
    read = []
    for batch in batches:
        parsed = MemoryRecords(bytes(batch._build()))
        records = []
        while parsed.has_next():
            records += [(record.key, record.value, list(record.headers)) for record in parsed.next_batch()]
        read.append(records)
    return read


async def test_batches_hold_all_records_in_order(real: AIOKafkaProducer) -> None:
    """A batch is left when it is full, and none is larger than the producer's limit."""
    records = [OutputRecord(f"k{n}".encode(), bytes([n]) * 700, [("h", b"1"), ("n", None)]) for n in range(40)]
    batches = build_batches(real, records)
    assert all(batch.size() <= BATCH_BYTES for batch in batches)
    assert 8 <= len(batches) <= 10
    read = [record for batch in read_batches(batches) for record in batch]
    assert read == [(record.key, record.value, list(record.headers)) for record in records]


async def test_a_record_above_the_batch_size_travels_alone(real: AIOKafkaProducer) -> None:
    """The topic's limit lies above the batch's, so that a large output gets through by itself."""
    records = [OutputRecord(b"a", b"x"), OutputRecord(b"b", b"y" * 50_000), OutputRecord(b"c", b"z")]
    sizes = [[len(value or b"") for _, value, _ in batch] for batch in read_batches(build_batches(real, records))]
    assert sizes == [[1], [50_000], [1]]


async def test_a_dead_letter_may_have_neither_key_nor_value(real: AIOKafkaProducer) -> None:
    """An empty record's dead letter is empty but for its headers."""
    assert read_batches(build_batches(real, [OutputRecord(None, None, [("why", b"empty")])])) == [
        [(None, None, [("why", b"empty")])]
    ]


async def test_no_records_need_no_batch(real: AIOKafkaProducer) -> None:
    """A chunk of dead letters alone sends nothing to the decisions' topic."""
    assert build_batches(real, []) == []


async def test_built_batches_are_closed(real: AIOKafkaProducer) -> None:
    """Nothing that is sent elsewhere can slip into them."""
    assert all(batch.closed() for batch in build_batches(real, [OutputRecord(b"a", b"x")]))


async def test_records_go_to_their_topics_on_the_inputs_partition(real: AIOKafkaProducer) -> None:
    """All outputs of a partition lie on its number, so that one fence guards them."""
    producer = FakeProducer("a", [], real)
    deliveries = await send_records(producer, TOPICS.sort_outputs([outputs_of(2, 1), outputs_of(1, 0, 3)]), 3)
    assert producer.sent == [("decisions", 3, 3), ("tasks", 3, 1), ("letters", 3, 3)]
    assert len(deliveries) == 3


def test_outputs_are_joined_in_the_order_of_their_chunks() -> None:
    """Decisions of one partition are written in the order of its submissions."""
    first, second = outputs_of(2), outputs_of(1, 1)
    sorted_outputs = TOPICS.sort_outputs([first, second])
    assert sorted_outputs["decisions"] == first.decisions + second.decisions
    assert sorted_outputs["tasks"] == second.review_tasks
    assert sorted_outputs["letters"] == []


async def test_outputs_and_offset_are_one_transaction(real: AIOKafkaProducer) -> None:
    """Begin, send, add the input's offset, commit: in this order and nothing else."""
    bench = Bench(real)
    await bench.publisher.publish([outputs_of(2, 1)], 42)
    assert bench.calls == [("a", step) for step in ("begin", "send", "send", "offsets", "commit")]
    assert bench.fakes[0].offsets == [({TopicPartition("in", 3): 42}, "group")]
    assert bench.count("committed") == 1
    assert bench.count("aborted") == 0
    await bench.close()


async def test_the_ids_take_turns(real: AIOKafkaProducer) -> None:
    """While the last transaction's markers are written the next one begins under another id."""
    bench = Bench(real)
    for offset in (1, 2, 3):
        await bench.publisher.publish([outputs_of(1)], offset)
    assert [name for name, step in bench.calls if step == "commit"] == ["a", "b", "a"]
    await bench.close()


async def test_the_ids_are_part_of_the_protocol(real: AIOKafkaProducer) -> None:
    """Every release must fence the same ids: group, topic, partition and number."""
    bench = Bench(real)
    assert bench.ids == [f"group-in-3-{number}" for number in range(IDS_PER_PARTITION)]
    await bench.close()


async def test_start_initialises_every_id(real: AIOKafkaProducer) -> None:
    """A previous owner could publish by an id that was not fenced."""
    bench = Bench(real)
    await bench.publisher.start()
    assert sorted(bench.calls) == [("a", "start"), ("b", "start")]
    await bench.close()


async def test_a_failed_start_is_raised(real: AIOKafkaProducer) -> None:
    """Without its fence a partition must not be worked on."""
    bench = Bench(real, fails_at="start")
    with pytest.raises(ProducerFenced):
        await bench.publisher.start()
    await bench.close()


@pytest.mark.parametrize("step", ["send", "offsets", "delivery", "commit"])
async def test_what_fails_is_aborted_and_raised(real: AIOKafkaProducer, step: str) -> None:
    """The lane must learn of it, and nothing of the chunk may be acked."""
    bench = Bench(real, fails_at=step)
    with pytest.raises(KafkaError):
        await bench.publisher.publish([outputs_of(1, 1)], 42)
    assert bench.calls[-1] == ("a", "abort")
    assert bench.calls.count(("a", "abort")) == 1
    assert (bench.count("committed"), bench.count("aborted")) == (0, 1)
    await bench.close()


async def test_a_failed_abort_does_not_hide_the_failure(real: AIOKafkaProducer) -> None:
    """The abort is a courtesy; the reason is what the worker exits for."""

    class NeverAborts(FakeProducer):
        async def abort_transaction(self) -> None:
            raise RuntimeError("cannot abort")

    bench = Bench(real)
    bench.publisher._turns = iter([NeverAborts("c", bench.calls, real, "commit")])  # type: ignore[assignment]
    with pytest.raises(ProducerFenced, match="commit"):
        await bench.publisher.publish([outputs_of(1)], 42)
    await bench.close()


async def test_a_cancelled_publish_is_aborted(real: AIOKafkaProducer) -> None:
    """A worker that leaves in the middle of a transaction frees its readers at once."""
    bench = Bench(real)
    publishing = asyncio.create_task(bench.publisher.publish([outputs_of(1)], 42))
    while ("a", "offsets") not in bench.calls:
        await asyncio.sleep(0)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    assert bench.calls[-1] == ("a", "abort")
    assert ("a", "commit") not in bench.calls
    await bench.close()


async def test_stop_closes_all_even_if_one_fails(real: AIOKafkaProducer) -> None:
    """A producer that cannot be closed must not keep the others open."""
    bench = Bench(real)
    bench.fakes[0].fails_at = "stop"
    await bench.publisher.stop()
    assert sorted(bench.calls) == [("a", "stop"), ("b", "stop")]
    await bench.close()


async def test_at_least_once_waits_for_every_acknowledgement(real: AIOKafkaProducer) -> None:
    """The offset may only be committed when all outputs are with the broker."""
    publisher = PlainPublisher(PARTITION, TOPICS, {})
    unused, publisher._producer = publisher._producer, FakeProducer("a", [], real, fails_at="delivery")
    with pytest.raises(KafkaError, match="not delivered"):
        await publisher.publish([outputs_of(2)], 42)
    publisher._producer.fails_at = ""
    await publisher.publish([outputs_of(2)], 42)
    await unused.stop()
