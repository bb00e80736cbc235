from pathlib import Path

import pytest

from service.contracts.ledger import RolloutScope
from service.deployment import Deployment
from service.moderate import Pair
from service.release.guard_rail import GuardLimits, GuardMargins
from service.release.rollout import Rollout
from service.worker.rollout_watch import RolloutWatch
from tests.unit.worker.shadowing import ROLLOUT, decide, make_candidate, make_live

LIMITS = GuardLimits(GuardMargins(0.02, 0.05, 0.05, 0.01), alpha=0.001, window_s=3_600, workers=4)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(make_live(tmp_path), make_candidate(tmp_path))


def make_pairs(deployment: Deployment, rollout: Rollout | None, count: int = 40, start: int = 0) -> list[Pair]:
    """Return pairs that speak against the candidate, decided under a rollout."""
    return decide(deployment._replace(rollout=rollout), ["maybe"] * count, start).evaluate()


def test_only_ads_in_the_rollouts_scope_count(deployment: Deployment) -> None:
    """What the candidate does to other ads is for the strategist to see, not for the guard rail to stop."""
    elsewhere = ROLLOUT._replace(scope=RolloutScope(markets=("JP",)))
    assert RolloutWatch(LIMITS).observe(elsewhere, make_pairs(deployment, elsewhere), 0.0) is None
    assert RolloutWatch(LIMITS).observe(None, make_pairs(deployment, None), 0.0) is None
    assert RolloutWatch(LIMITS).observe(ROLLOUT, make_pairs(deployment, ROLLOUT), 0.0) is not None


def test_each_width_is_tested_anew(deployment: Deployment) -> None:
    """A later entry may be stopped again, and ads decided under an earlier one do not count against it."""
    watch = RolloutWatch(LIMITS)
    wider = ROLLOUT._replace(percent=10.0, sequence=9)
    first = watch.observe(ROLLOUT, make_pairs(deployment, ROLLOUT), 0.0)
    assert first is not None
    assert first.rollout == ROLLOUT
    assert watch.observe(wider, make_pairs(deployment, wider, 10), 0.0) is None
    assert watch.observe(ROLLOUT, make_pairs(deployment, ROLLOUT, 40, start=40), 0.0) is None
    second = watch.observe(wider, make_pairs(deployment, wider, 40), 0.0)
    assert second is not None
    assert second.rollout == wider


def test_evidence_is_measured_once_a_second(deployment: Deployment) -> None:
    """It is for a dashboard, and costs more than an ad."""
    watch = RolloutWatch(LIMITS)
    assert watch.measure_evidence(10.0) == dict.fromkeys(GuardMargins._fields, 0.0)
    watch.observe(ROLLOUT, make_pairs(deployment, ROLLOUT, 5), 10.0)
    assert watch.measure_evidence(10.9) is None
    later = watch.measure_evidence(11.0)
    assert later is not None
    assert 0 < later["reject_share"] < 1
