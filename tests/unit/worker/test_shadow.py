import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.contracts.shadow_decision import ShadowDecision
from service.deployment import Deployment
from service.observability.metrics import Metrics
from service.release.guard_rail import GuardLimits, GuardMargins
from service.worker.rollout_watch import Finding, RolloutWatch
from service.worker.shadow import Shadow
from service.worker.shadow_judge import ShadowJudge
from service.worker.shadow_record import ShadowRecord
from tests.unit.worker.shadowing import ROLLOUT, break_bundle, decide, make_candidate, make_live
from tests.unit.worker.test_shadow_sender import read_metrics

LIMITS = GuardLimits(GuardMargins(0.02, 0.05, 0.05, 0.01), alpha=0.001, window_s=3_600, workers=4)


class FakeSender:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[ShadowRecord] = []

    def has_room(self) -> bool:
        return True

    def put(self, records: Sequence[ShadowRecord]) -> None:
        self.records += records

    def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def read(self) -> list[ShadowDecision]:
        return [ShadowDecision.model_validate_json(record.record.value or b"") for record in self.records]


class Stage:
    """A shadow with a fake sender, and what it found."""

    def __init__(self, most_ads: int = 1_000) -> None:
        self.metrics = Metrics()
        self.sender = FakeSender()
        self.findings: list[Finding] = []
        judge = ShadowJudge(2_000.0, RolloutWatch(LIMITS), lambda: 0.0)
        self.shadow = Shadow(judge, self.sender, self.metrics, self.findings.append, most_ads)


async def wait_until(said: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not said():
            await asyncio.sleep(0.005)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    made.shadow.start()
    yield made
    await made.shadow.stop()


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(make_live(tmp_path), make_candidate(tmp_path))


async def test_what_live_decided_is_judged_by_the_candidate_and_sent(stage: Stage, deployment: Deployment) -> None:
    """Once each, in order, with the counts in the metrics."""
    stage.shadow.follow(deployment)
    stage.shadow.offer(decide(deployment, ["maybe", "casino", "shoes"]))
    await wait_until(lambda: len(stage.sender.records) == 3)
    read = stage.sender.read()
    assert [(d.ad_id, d.live.outcome, d.candidate.outcome) for d in read] == [
        ("ad-0", "review", "reject"),
        ("ad-1", "reject", "reject"),
        ("ad-2", "approve", "approve"),
    ]
    assert read_metrics(stage.metrics, 'sluice_shadow_pairs_total{candidate="reject",live="review"}') == 1
    assert read_metrics(stage.metrics, "sluice_shadow_dropped_total") == 0
    assert stage.shadow.candidate_off == ""


async def test_without_a_candidate_nothing_happens(stage: Stage, deployment: Deployment) -> None:
    """As most of the time."""
    stage.shadow.follow(deployment._replace(candidate=None))
    stage.shadow.offer(None)
    assert read_metrics(stage.metrics, "sluice_shadow") == 0


async def test_a_candidate_that_raises_is_switched_off_until_another_comes(
    stage: Stage, deployment: Deployment, tmp_path: Path
) -> None:
    """Told by a log, a metric and the status; live has been answered all the while."""
    assert deployment.candidate is not None
    broken = deployment._replace(candidate=break_bundle(deployment.candidate))
    stage.shadow.follow(broken)
    with capture_logs() as logs:
        stage.shadow.offer(decide(broken, ["shoes"] * 40))
        await wait_until(lambda: stage.shadow.candidate_off)
    assert "candidate_off" in {log["event"] for log in logs}
    assert stage.shadow.candidate_off == "fails: 0 µs an ad (allowed: 2,000), failed on 32 of 32 ads"
    assert read_metrics(stage.metrics, 'sluice_candidate_off{cause="fails"}') == 1
    stage.shadow.offer(decide(broken, ["shoes"] * 5))
    assert read_metrics(stage.metrics, 'sluice_shadow_dropped_total{cause="candidate_off"}') >= 5
    stage.shadow.follow(broken._replace(blocks=broken.blocks, sequence=9))
    assert stage.shadow.candidate_off, "the same candidate under another entry"
    mended = deployment._replace(candidate=make_candidate(tmp_path, "mended", "9"))
    stage.shadow.follow(mended)
    assert (stage.shadow.candidate_off, read_metrics(stage.metrics, "sluice_candidate_off")) == ("", 0)
    sent = len(stage.sender.records)
    stage.shadow.offer(decide(mended, ["maybe"], start=100))
    await wait_until(lambda: len(stage.sender.records) == sent + 1)


async def test_a_rollout_that_is_set_again_is_watched_again(stage: Stage, deployment: Deployment) -> None:
    """A candidate that was switched off is tried anew, and stops the new width as well if it is as bad as before."""
    assert deployment.candidate is not None
    broken = deployment._replace(candidate=break_bundle(deployment.candidate), rollout=ROLLOUT)
    stage.shadow.follow(broken)
    stage.shadow.offer(decide(broken, ["shoes"] * 40))
    await wait_until(lambda: stage.shadow.candidate_off)
    stage.shadow.follow(broken._replace(rollout=None))
    assert stage.shadow.candidate_off, "the rollout was stopped, the candidate stays off"
    again = broken._replace(rollout=ROLLOUT._replace(sequence=9))
    stage.shadow.follow(again)
    assert stage.shadow.candidate_off == ""
    stage.shadow.offer(decide(again, ["shoes"] * 40, start=40))
    await wait_until(lambda: stage.shadow.candidate_off)
    await wait_until(lambda: {found.rollout.sequence for found in stage.findings} == {7, 9})


async def test_ads_of_a_candidate_that_is_gone_are_dropped(
    stage: Stage, deployment: Deployment, tmp_path: Path
) -> None:
    """Its bundle may leave memory."""
    pairs = decide(deployment, ["maybe"] * 4)
    stage.shadow.follow(deployment._replace(candidate=make_candidate(tmp_path, "next", "9")))
    stage.shadow.offer(pairs)
    assert read_metrics(stage.metrics, 'sluice_shadow_dropped_total{cause="candidate_off"}') == 4


async def test_a_full_buffer_drops_and_counts(deployment: Deployment) -> None:
    """Nobody takes from it here, as the thread does not run; offering never waits."""
    stage = Stage(most_ads=10)
    stage.shadow.follow(deployment)
    stage.shadow.offer(decide(deployment, ["a"] * 8))
    stage.shadow.offer(decide(deployment, ["a"] * 8, start=8))
    assert read_metrics(stage.metrics, 'sluice_shadow_dropped_total{cause="buffer_full"}') == 6
    assert read_metrics(stage.metrics, "sluice_shadow_buffered_ads") == 10
    await stage.shadow.stop()
    assert read_metrics(stage.metrics, 'sluice_shadow_dropped_total{cause="stopped"}') == 10


async def test_chunks_that_wait_for_their_commit_keep_no_more_than_fits(deployment: Deployment) -> None:
    """A slow broker must not fill memory with ads that wait: what is above the bound is dropped when it is scored."""
    stage = Stage(most_ads=10)
    stage.shadow.follow(deployment)
    first = stage.shadow.reserve(decide(deployment, ["a"] * 6))
    second = stage.shadow.reserve(decide(deployment, ["a"] * 6, start=6))
    third = stage.shadow.reserve(decide(deployment, ["a"] * 6, start=12))
    assert first is not None
    assert second is not None
    assert (len(first.items), len(second.items), third) == (6, 4, None)
    assert read_metrics(stage.metrics, 'sluice_shadow_dropped_total{cause="buffer_full"}') == 8
    stage.shadow.offer(first)
    assert stage.shadow.reserve(decide(deployment, ["a"] * 6, start=18)) is None, "they wait in the buffer now"
    stage.shadow.release()
    again = stage.shadow.reserve(decide(deployment, ["a"] * 6, start=24))
    assert again is not None
    assert len(again.items) == 4, "after a rebalance the second chunk is gone, the first is in the buffer"
    assert stage.shadow.reserve(None) is None


async def test_a_rollout_that_rejects_too_much_is_found(stage: Stage, deployment: Deployment) -> None:
    """Handed to whoever stops rollouts, once."""
    rolled = deployment._replace(rollout=ROLLOUT)
    stage.shadow.follow(rolled)
    stage.shadow.offer(decide(rolled, ["maybe"] * 60))
    await wait_until(lambda: len(stage.sender.records) == 60)
    assert [(found.rollout, found.breach.cause) for found in stage.findings] == [(ROLLOUT, "reject_share")]
    assert read_metrics(stage.metrics, 'sluice_rollout_guard_evidence{guard="reject_share"}') > 0


async def test_while_live_scores_the_shadow_waits(stage: Stage, deployment: Deployment) -> None:
    """And begins by itself when live is done."""
    stage.shadow.follow(deployment)
    with stage.shadow.hold_back():
        stage.shadow.offer(decide(deployment, ["maybe"] * 400))
        assert len(stage.sender.records) < 400
    await wait_until(lambda: len(stage.sender.records) == 400)
