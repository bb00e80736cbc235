import itertools
from collections.abc import Callable
from pathlib import Path

from service.deployment import Deployment
from service.moderate import PendingPairs
from service.release.guard_rail import GuardLimits, GuardMargins
from service.worker.rollout_watch import RolloutWatch
from service.worker.shadow_buffer import Slice
from service.worker.shadow_judge import ShadowJudge
from tests.unit.worker.shadowing import ROLLOUT, break_bundle, decide, make_candidate, make_live

LIMITS = GuardLimits(GuardMargins(0.02, 0.05, 0.05, 0.01), alpha=0.001, window_s=3_600, workers=4)


def make_judge(cpu_s: Callable[[], float] = lambda: 0.0, budget_us: float = 2_000.0) -> ShadowJudge:
    return ShadowJudge(budget_us, RolloutWatch(LIMITS), cpu_s, lambda: 0.0)


def whole(pairs: PendingPairs) -> Slice:
    return Slice(pairs, pairs.items)


def test_each_pair_is_counted_by_both_outcomes_and_by_the_policy_at_stake(tmp_path: Path) -> None:
    """Agreement, what moves, and by which policy: that of the stricter arm's first reason."""
    pairs = decide(Deployment(make_live(tmp_path), make_candidate(tmp_path)), ["maybe", "casino", "shoes", "maybe"])
    records, tally, left_out, off, finding, _ = make_judge().judge(whole(pairs))
    assert tally.outcomes == {("review", "reject"): 2, ("reject", "reject"): 1, ("approve", "approve"): 1}
    assert tally.moved == {("review", "reject", "gambling"): 2}
    assert [record.record.key for record in records] == [b"ad-0", b"ad-1", b"ad-2", b"ad-3"]
    assert (left_out, off, finding) == (0, None, None)


def test_a_candidate_that_lets_go_moves_lives_policy(tmp_path: Path) -> None:
    """Live rejects, the candidate does not: it is live's reason that is at stake."""
    pairs = decide(Deployment(make_candidate(tmp_path), make_live(tmp_path)), ["maybe"])
    assert make_judge().judge(whole(pairs)).tally.moved == {("reject", "review", "gambling"): 1}


def test_a_candidate_that_raises_is_counted_and_at_last_switched_off(tmp_path: Path) -> None:
    """Its failures are pairs as well; the 32nd in a row is the last."""
    deployment = Deployment(make_live(tmp_path), break_bundle(make_candidate(tmp_path)))
    judge = make_judge()
    first = judge.judge(whole(decide(deployment, ["shoes"] * 20)))
    assert first.tally.outcomes == {("approve", "failed"): 20}
    assert (len(first.records), first.off) == (20, None)
    second = judge.judge(whole(decide(deployment, ["shoes"] * 20, start=20)))
    assert second.off is not None
    assert (second.off.cause, second.off.bundle) == ("fails", deployment.candidate.strategies.ref.sha256)  # type: ignore[union-attr]
    assert (len(second.records), second.left_out) == (12, 8), "what was judged is told, what was not is counted"
    third = judge.judge(whole(decide(deployment, ["shoes"] * 20, start=40)))
    assert (third.records, third.left_out, third.off) == ([], 20, second.off)
    assert second.finding is None, "there is no rollout to stop"


def test_a_slow_candidate_is_switched_off_and_its_rollout_stopped(tmp_path: Path) -> None:
    """Where it decides ads itself, it would hold live up."""
    clock = itertools.count(0.0, 0.6)
    deployment = Deployment(make_live(tmp_path), make_candidate(tmp_path), ROLLOUT)
    judgement = make_judge(lambda: next(clock)).judge(whole(decide(deployment, ["shoes"] * 3)))
    assert judgement.off is not None
    assert (judgement.off.cause, judgement.tally.cpu_s) == ("too_slow", 0.6)
    assert judgement.finding is not None
    assert judgement.finding.rollout == ROLLOUT
    assert judgement.finding.breach.cause == "too_slow"
    assert "600,000 µs an ad (allowed: 2,000)" in judgement.finding.breach.message


def test_lives_own_time_is_not_counted_against_the_candidate(tmp_path: Path) -> None:
    """Where the candidate decided, it is live that is asked in the shadow."""
    clock = itertools.count(0.0, 0.6)
    everybody = ROLLOUT._replace(percent=100.0)
    deployment = Deployment(make_live(tmp_path), make_candidate(tmp_path), everybody)
    judgement = make_judge(lambda: next(clock)).judge(whole(decide(deployment, ["shoes"] * 3)))
    assert (judgement.off, len(judgement.records)) == (None, 3)


def test_another_candidate_begins_with_a_clean_slate(tmp_path: Path) -> None:
    """What the last one spent or failed on is not its doing."""
    live = make_live(tmp_path)
    judge = make_judge()
    broken = Deployment(live, break_bundle(make_candidate(tmp_path)))
    assert judge.judge(whole(decide(broken, ["shoes"] * 31))).off is None
    other = Deployment(live, break_bundle(make_candidate(tmp_path, "other", "9")))
    assert judge.judge(whole(decide(other, ["shoes"] * 31))).off is None
    assert judge.judge(whole(decide(other, ["shoes"] * 31, start=31))).off is not None


def test_a_rollout_that_rejects_everything_is_found(tmp_path: Path) -> None:
    """From the pairs of all ads that it concerns, whichever arm decided them; found once."""
    deployment = Deployment(make_live(tmp_path), make_candidate(tmp_path), ROLLOUT)
    judge = make_judge()
    assert judge.judge(whole(decide(deployment, ["maybe"] * 10))).finding is None
    found = judge.judge(whole(decide(deployment, ["maybe"] * 20, start=10))).finding
    assert found is not None
    assert (found.rollout.id, found.breach.cause) == ("r-1", "reject_share")
    assert judge.judge(whole(decide(deployment, ["maybe"] * 20, start=30))).finding is None
