import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.observability.metrics import Metrics
from service.worker import shadow_sender
from service.worker.outputs import OutputRecord
from service.worker.shadow_record import ShadowRecord
from service.worker.shadow_sender import ShadowSender


class FakeBatch:
    """A batch with room for three records, as aiokafka's builder behaves."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    def append(self, *, key: bytes | None, value: bytes | None, timestamp: None, headers: list[Any]) -> object:
        assert key is not None
        assert (timestamp, headers) == (None, [])
        if len(self.values) == 3:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        pass


class FakeBroker:
    """Takes batches unless told to be away at connecting, or to refuse at delivery."""

    def __init__(self) -> None:
        self.away = False
        self.refuses = False
        self.got: list[tuple[str, int, list[bytes | None]]] = []
        self.connections = 0
        self.changed = asyncio.Event()

    def make_producer(self) -> Any:  # noqa: ANN401 - stands for aiokafka's producer
        return FakeProducer(self)


class FakeProducer:
    def __init__(self, broker: FakeBroker) -> None:
        self.broker = broker

    async def start(self) -> None:
        self.broker.connections += 1
        self.broker.changed.set()
        if self.broker.away:
            raise ConnectionError("no broker")

    async def stop(self) -> None:
        pass

    def create_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send_batch(self, batch: FakeBatch, topic: str, *, partition: int) -> asyncio.Future[None]:
        delivery: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.broker.refuses:
            delivery.set_exception(RuntimeError("refused"))
        else:
            self.broker.got.append((topic, partition, batch.values))
            delivery.set_result(None)
        self.broker.changed.set()
        return delivery


def make_records(count: int, partition: int = 0) -> list[ShadowRecord]:
    return [ShadowRecord(partition, OutputRecord(b"k", b"%d" % number)) for number in range(count)]


@pytest.fixture(autouse=True)
def _without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_sender, "_GATHER_S", 0.0)
    monkeypatch.setattr(shadow_sender, "_RETRY_S", 0.0)


def read_metrics(metrics: Metrics, start: str) -> float:
    lines = metrics.render()[0].decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))


async def send(broker: FakeBroker, records: list[ShadowRecord]) -> tuple[Metrics, ShadowSender]:
    metrics = Metrics()
    sender = ShadowSender(broker.make_producer, "shadow", metrics)
    sender.start()
    sender.put(records)
    await asyncio.wait_for(broker.changed.wait(), 10)
    return metrics, sender


async def test_records_go_to_their_partitions_in_order() -> None:
    """As batches; counted once they are acknowledged."""
    broker = FakeBroker()
    metrics, sender = await send(broker, [*make_records(4, 1), *make_records(1, 2)])
    await sender.stop()
    assert broker.got == [("shadow", 1, [b"0", b"1", b"2"]), ("shadow", 1, [b"3"]), ("shadow", 2, [b"0"])]
    assert read_metrics(metrics, "sluice_shadow_sent_total") == 5
    assert read_metrics(metrics, "sluice_shadow_dropped_total") == 0


async def test_a_worker_without_a_candidate_connects_to_nothing() -> None:
    """The producer is made for the first record."""
    broker = FakeBroker()
    sender = ShadowSender(broker.make_producer, "shadow", Metrics())
    sender.start()
    await asyncio.sleep(0)
    await sender.stop()
    assert broker.connections == 0


async def test_while_the_broker_is_away_records_wait_and_then_there_is_no_room() -> None:
    """They are sent when it is back; told once an outage."""
    broker = FakeBroker()
    broker.away = True
    with capture_logs() as logs:
        metrics, sender = await send(broker, make_records(5_000))
        while broker.connections < 3:
            await asyncio.sleep(0)
        assert not sender.has_room()
        broker.away = False
        while not broker.got:
            await asyncio.sleep(0)
        await sender.stop()
    assert sender.has_room()
    assert sum(len(values) for _, _, values in broker.got) == 5_000
    assert read_metrics(metrics, "sluice_shadow_sent_total") == 5_000
    assert [log["event"] for log in logs] == ["shadow_not_sent"]


async def test_what_is_refused_is_counted_and_the_next_goes_by_a_new_producer() -> None:
    """A producer that lost a batch may have lost its sequence; the records are not sent twice."""
    broker = FakeBroker()
    broker.refuses = True
    metrics, sender = await send(broker, make_records(2))
    while read_metrics(metrics, 'sluice_shadow_dropped_total{cause="not_sent"}') != 2:
        await asyncio.sleep(0)
    broker.refuses = False
    sender.put(make_records(1))
    while not broker.got:
        await asyncio.sleep(0)
    await sender.stop()
    assert broker.connections == 2
    assert read_metrics(metrics, "sluice_shadow_sent_total") == 1


async def test_what_cannot_be_sent_at_the_end_is_counted() -> None:
    """A worker that leaves during an outage leaves in time."""
    broker = FakeBroker()
    broker.away = True
    metrics, sender = await send(broker, make_records(3))
    await sender.stop()
    assert read_metrics(metrics, 'sluice_shadow_dropped_total{cause="stopped"}') == 3
