import asyncio

from structlog.testing import capture_logs

from service.contracts.control import Halt
from service.release.guard_rail import RolloutBreach
from service.worker.rollout_halts import RolloutHalts
from service.worker.rollout_watch import Finding
from tests.unit.worker.shadowing import ROLLOUT

FINDING = Finding(ROLLOUT, RolloutBreach("reject_share", "it rejects everything " * 100))


class Topic:
    """Remembers what was applied and written; refuses as often as told."""

    def __init__(self, refusals: int = 0) -> None:
        self.applied: list[Halt] = []
        self.written: list[Halt] = []
        self.refusals = refusals
        self.wrote = asyncio.Event()

    async def record(self, halt: Halt) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ConnectionError("no broker")
        self.written.append(halt)
        self.wrote.set()

    def make_halts(self) -> RolloutHalts:
        return RolloutHalts("host:1", self.applied.append, self.record, retry_s=0.0)


async def test_a_finding_is_followed_here_at_once_and_written_down() -> None:
    """The record names the entry that it binds, and a cause that fits the contract."""
    topic = Topic()
    halts = topic.make_halts()
    with capture_logs() as logs:
        halts.stop_rollout(FINDING)
        assert len(topic.applied) == 1, "before anything is awaited"
        await topic.wrote.wait()
    assert topic.written == topic.applied
    halt = topic.written[0]
    assert (halt.rollout, halt.sequence, halt.cause, halt.worker) == ("r-1", 7, "reject_share", "host:1")
    assert len(halt.message) == 1_000
    assert [log["event"] for log in logs] == ["guard_rail"]


async def test_a_width_is_stopped_once_and_a_later_one_again() -> None:
    """Findings may come in twos; the rollout that was set anew is another matter."""
    topic = Topic()
    halts = topic.make_halts()
    halts.stop_rollout(FINDING)
    halts.stop_rollout(FINDING)
    halts.stop_rollout(FINDING._replace(rollout=ROLLOUT._replace(sequence=9)))
    halts.stop_rollout(FINDING)
    assert [halt.sequence for halt in topic.applied] == [7, 9]


async def test_it_is_written_down_however_long_the_broker_is_away() -> None:
    """Here the rollout stands still at once; the others hear of it when they can."""
    topic = Topic(refusals=3)
    topic.make_halts().stop_rollout(FINDING)
    await asyncio.wait_for(topic.wrote.wait(), 10)
    assert (len(topic.applied), len(topic.written), topic.refusals) == (1, 1, 0)


async def test_a_worker_that_leaves_does_not_wait_for_the_broker() -> None:
    """The next worker finds the same by itself."""
    topic = Topic(refusals=10**9)
    halts = topic.make_halts()
    halts.stop_rollout(FINDING)
    await asyncio.wait_for(halts.stop(), 10)
    assert topic.written == []
