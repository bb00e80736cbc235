import asyncio
from datetime import UTC, datetime
from pathlib import Path

from structlog.testing import capture_logs

from service.contracts.control import Halt
from service.deployment import Deployment
from service.release.guard_rail import RolloutBreach
from service.worker.rollout_halts import RolloutHalts
from service.worker.rollout_watch import Finding
from tests.unit.worker.shadowing import ROLLOUT, make_candidate, make_live

FINDING = Finding(ROLLOUT, RolloutBreach("reject_share", "it rejects everything"))


class Topic:
    """Remembers what was written; refuses as often as told."""

    def __init__(self, refusals: int = 0) -> None:
        self.written: list[Halt] = []
        self.refusals = refusals
        self.follows = 0

    async def record(self, halt: Halt) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ConnectionError("no broker")
        self.written.append(halt)

    def follow(self) -> None:
        self.follows += 1

    def make_halts(self) -> RolloutHalts:
        return RolloutHalts("host:1", self.record, self.follow, retry_s=0.0)


def make_halt(sequence: int) -> Halt:
    return Halt(
        rollout="r-1",
        sequence=sequence,
        cause="failures",
        message="as another worker found",
        worker="other:2",
        at=datetime(2026, 11, 1, tzinfo=UTC),
    )


async def test_a_finding_stops_the_rollout_here_and_is_written_down(tmp_path: Path) -> None:
    """Live decides again; the candidate stays a shadow; the record names the entry that it binds."""
    topic = Topic()
    halts = topic.make_halts()
    deployment = Deployment(make_live(tmp_path), make_candidate(tmp_path), ROLLOUT)
    assert halts.restrict(deployment) == deployment
    with capture_logs() as logs:
        await halts.halt(FINDING)
    assert halts.restrict(deployment) == deployment._replace(rollout=None)
    halt = topic.written[0]
    assert (halt.rollout, halt.sequence, halt.cause, halt.worker) == ("r-1", 7, "reject_share", "host:1")
    assert (topic.follows, [log["event"] for log in logs]) == (1, ["rollout_halted"])


async def test_what_another_worker_found_holds_here() -> None:
    """Also if it was found before this worker started; told once."""
    topic = Topic()
    halts = topic.make_halts()
    halts.apply(make_halt(7))
    halts.apply(make_halt(7))
    assert halts.find(ROLLOUT) == make_halt(7)
    assert topic.follows == 1
    await halts.halt(FINDING)
    assert topic.written == [], "it is known already"


def test_a_later_entry_is_not_bound() -> None:
    """Whoever widens or sets the rollout again has seen the halt; and a late record of an old halt changes nothing."""
    halts = Topic().make_halts()
    halts.apply(make_halt(7))
    assert halts.find(ROLLOUT._replace(sequence=8)) is None
    assert halts.find(ROLLOUT._replace(sequence=5)) is not None
    assert halts.find(ROLLOUT._replace(id="r-2")) is None
    assert halts.find(None) is None
    halts.apply(make_halt(9))
    halts.apply(make_halt(7))
    assert halts.find(ROLLOUT._replace(sequence=8)) is not None


async def test_it_is_written_down_however_long_the_broker_is_away() -> None:
    """Here the rollout stands still at once; the others hear of it when they can."""
    topic = Topic(refusals=3)
    halts = topic.make_halts()
    halting = asyncio.create_task(halts.halt(FINDING))
    await asyncio.sleep(0)
    assert halts.find(ROLLOUT) is not None
    assert topic.written == []
    await halting
    assert len(topic.written) == 1
