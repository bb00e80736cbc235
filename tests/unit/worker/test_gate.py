import asyncio
from datetime import UTC, datetime, timedelta

from service.contracts.control import Resume, Trip
from service.observability.metrics import Metrics
from service.worker.gate import Gate
from service.worker.guard import Breach

BREACH = Breach("moderation_failed", "30 of 100")
LATER = datetime.now(UTC) + timedelta(days=1)


class Ledger:
    """Stands for the control topic: keeps what it is given, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.trips: list[Trip] = []
        self.error = error

    async def record(self, trip: Trip) -> None:
        if self.error is not None:
            raise self.error
        self.trips.append(trip)


def make_gate(ledger: Ledger, build: str = "build-1") -> Gate:
    return Gate(lambda: build, "host:1", Metrics(), ledger.record)


async def test_a_breach_closes_the_gate_and_is_written_down() -> None:
    """A restart must find the trip, with the build, the cause and who tripped."""
    ledger = Ledger()
    gate = make_gate(ledger)
    await gate.close(BREACH, "build-1")
    assert not gate.is_open
    assert [(t.build, t.cause, t.worker) for t in ledger.trips] == [("build-1", "moderation_failed", "host:1")]


async def test_the_gate_stays_closed_when_the_trip_cannot_be_written() -> None:
    """Stopping matters more than writing it down."""
    gate = make_gate(Ledger(ConnectionError("no broker")))
    await gate.close(BREACH, "build-1")
    assert not gate.is_open


async def test_a_resume_lets_a_waiting_chunk_go_on() -> None:
    """`sluice resume` works on a running worker."""
    gate = make_gate(Ledger())
    await gate.close(BREACH, "build-1")
    waiting = asyncio.create_task(gate.wait_open())
    await asyncio.sleep(0)
    gate.apply(Resume(by="sre", at=LATER))
    assert await waiting is True


async def test_a_resume_older_than_the_trip_changes_nothing() -> None:
    """The follower may read an old record after the trip."""
    gate = make_gate(Ledger())
    await gate.close(BREACH, "build-1")
    gate.apply(Resume(by="sre", at=LATER - timedelta(days=2)))
    assert not gate.is_open


async def test_a_drain_lets_a_waiting_chunk_be_forgotten() -> None:
    """A tripped worker must give up its partitions in a rebalance and stop at once."""
    gate = make_gate(Ledger())
    await gate.close(BREACH, "build-1")
    waiting = asyncio.create_task(gate.wait_open())
    await asyncio.sleep(0)
    gate.begin_drain()
    assert await waiting is False
    gate.end_drain()
    assert not gate.is_open


async def test_another_builds_trip_does_not_bind_this_build() -> None:
    """A new build clears the trip; the same build finds it."""
    ledger = Ledger()
    await make_gate(ledger).close(BREACH, "build-1")
    newer, same = make_gate(Ledger(), "build-2"), make_gate(Ledger())
    newer.apply(ledger.trips[0])
    same.apply(ledger.trips[0])
    assert newer.is_open
    assert not same.is_open


class Swapping:
    """A gate over a build that changes, as a worker's does when another bundle comes into force."""

    def __init__(self) -> None:
        self.build = "build-1"
        self.ledger = Ledger()
        self.gate = Gate(lambda: self.build, "host:1", Metrics(), self.ledger.record)

    def swap(self, build: str) -> None:
        self.build = build
        self.gate.rejudge()


async def test_another_bundle_leaves_the_trip_behind() -> None:
    """Publishing a mended bundle lets the worker go on, without a resume; the tripped one stays tripped."""
    bench = Swapping()
    await bench.gate.close(BREACH, "build-1")
    waiting = asyncio.create_task(bench.gate.wait_open())
    await asyncio.sleep(0)
    bench.swap("build-2")
    assert await waiting is True
    assert bench.gate.trip is None
    bench.swap("build-1")
    assert not bench.gate.is_open
    bench.gate.apply(Resume(by="sre", at=LATER))
    assert bench.gate.is_open


async def test_a_breach_of_the_build_before_does_not_close_the_gate() -> None:
    """The chunk was scored before the swap; the trip is written down all the same."""
    bench = Swapping()
    bench.swap("build-2")
    await bench.gate.close(BREACH, "build-1")
    assert bench.gate.is_open
    assert [trip.build for trip in bench.ledger.trips] == ["build-1"]


async def test_another_build_s_trip_does_not_lift_this_one_s() -> None:
    """While releases are mixed, each has its own trip, though the control topic keeps only the last."""
    gate = make_gate(Ledger())
    await gate.close(BREACH, "build-1")
    gate.apply(Trip(build="build-2", cause="x", message="y", worker="host:2", at=LATER))
    assert not gate.is_open
