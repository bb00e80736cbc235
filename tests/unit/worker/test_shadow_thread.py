import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.deployment import Deployment
from service.moderate import PendingPairs
from service.observability.shadow_tally import ShadowTally
from service.release.guard_rail import RolloutBreach
from service.worker.rollout_watch import Finding
from service.worker.shadow_buffer import ShadowBuffer, Slice
from service.worker.shadow_judge import Judgement
from service.worker.shadow_thread import LiveTurn, ShadowThread
from tests.unit.worker.shadowing import ROLLOUT, decide, make_candidate, make_live

WITHIN_S = 30.0


class FakeDesk:
    """Counts what the thread does; `judged` is set once `expected` ads are accounted for."""

    def __init__(self, expected: int, *, broken: bool = False) -> None:
        self.expected = expected
        self.broken = broken
        self.room = True
        self.wanted = True
        self.finding: Finding | None = None
        self.slices: list[int] = []
        self.deliveries: list[int] = []
        self.dropped: list[tuple[str, int]] = []
        self.done = threading.Event()

    def has_room(self) -> bool:
        return self.room

    def wants(self, pairs: PendingPairs) -> bool:
        return self.wanted and pairs.deployment.candidate is not None

    def judge(self, taken: Slice) -> Judgement:
        if self.broken:
            raise RuntimeError("an ad's secret text")
        self.slices.append(len(taken.items))
        return Judgement([], ShadowTally(), finding=self.finding)

    def deliver(self, judgements: list[Judgement]) -> None:
        self.deliveries.append(len(judgements))
        self._account()

    def drop(self, cause: str, ads: int) -> None:
        self.dropped.append((cause, ads))
        self._account()

    def _account(self) -> None:
        if sum(self.slices) + sum(ads for _, ads in self.dropped) >= self.expected:
            self.done.set()


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(make_live(tmp_path), make_candidate(tmp_path))


def run(desk: FakeDesk, turn: LiveTurn, *chunks: PendingPairs) -> None:
    buffer = ShadowBuffer(1_000)
    thread = ShadowThread(buffer, turn, desk)
    thread.start()
    for pairs in chunks:
        buffer.offer(pairs)
    assert desk.done.wait(WITHIN_S)
    thread.stop()


def test_ads_are_judged_a_few_at_a_time_and_handed_over_together(deployment: Deployment) -> None:
    """Small slices give the interpreter back soon; few hand-overs wake the event loop rarely."""
    desk = FakeDesk(300)
    run(desk, LiveTurn(), decide(deployment, ["a"] * 300))
    assert sum(desk.slices) == 300
    assert max(desk.slices) <= 8
    assert sum(desk.deliveries) == len(desk.slices)
    assert len(desk.deliveries) <= 4


def test_a_finding_is_handed_over_at_once(deployment: Deployment) -> None:
    """A rollout that has to stop does not wait for more."""
    desk = FakeDesk(16)
    desk.finding = Finding(ROLLOUT, RolloutBreach("failures", "broken"))
    run(desk, LiveTurn(), decide(deployment, ["a"] * 16))
    assert desk.deliveries == [1, 1]


def test_under_full_load_it_still_gets_a_look_now_and_then(deployment: Deployment) -> None:
    """Live holds its turn for ever: slices come, one after each patience."""
    desk = FakeDesk(16)
    turn = LiveTurn()
    with turn.hold():
        assert not turn.wait_idle(0.0)
        run(desk, turn, decide(deployment, ["a"] * 16))
    assert turn.wait_idle(0.0)
    assert desk.slices == [8, 8]


def test_what_nobody_wants_any_longer_is_dropped_unjudged(deployment: Deployment) -> None:
    """A candidate that is switched off or gone costs nothing more, and its ads are counted."""
    desk = FakeDesk(20)
    desk.wanted = False
    run(desk, LiveTurn(), decide(deployment, ["a"] * 20))
    assert desk.slices == []
    assert {cause for cause, _ in desk.dropped} == {"candidate_off"}
    assert sum(ads for _, ads in desk.dropped) == 20


def test_an_error_of_ours_costs_a_slice_and_not_the_thread(deployment: Deployment) -> None:
    """Counted and logged, without its message, which may hold texts of the ad."""
    desk = FakeDesk(20, broken=True)
    with capture_logs() as logs:
        run(desk, LiveTurn(), decide(deployment, ["a"] * 20))
    assert desk.dropped == [("failed", 8), ("failed", 8), ("failed", 4)]
    assert "secret" not in str(logs)
    assert logs[0]["error"] == "RuntimeError"


def test_it_waits_while_nobody_takes_the_records(deployment: Deployment) -> None:
    """A sender that has no room, as in an outage, leaves the ads in the buffer, which is bounded."""
    desk = FakeDesk(8)
    desk.room = False
    buffer = ShadowBuffer(1_000)
    thread = ShadowThread(buffer, LiveTurn(), desk)
    thread.start()
    buffer.offer(decide(deployment, ["a"] * 8))
    assert not desk.done.wait(0.2)
    desk.room = True
    assert desk.done.wait(WITHIN_S)
    thread.stop()


def test_a_thread_that_never_began_can_be_stopped() -> None:
    """As when the worker leaves before it has joined."""
    ShadowThread(ShadowBuffer(1), LiveTurn(), FakeDesk(0)).stop()
