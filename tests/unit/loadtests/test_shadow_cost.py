from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from loadtests.ads import make_records
from loadtests.candidates.task import WarmUpRecord
from loadtests.judging import judge_shadow
from loadtests.shadow_cost import ShadowCost, Shadower, make_candidate, make_candidate_for_all, measure_shadow
from loadtests.spread import Spread
from service.deployment import Deployment
from service.moderate.likeness import share_policies
from service.worker.fitting import SizeLimits
from service.worker.in_force import InForce
from service.worker.outputs import InputRecord, Pipeline
from service.worker.scoring import ScoringPipeline
from tests.moderating import make_classifier, make_small_bundle

LIMITS = SizeLimits(1_000_000, 1_000_000, 1_000_000)


def make_chunk() -> Sequence[InputRecord]:
    records = make_records(40, datetime(2026, 11, 1, tzinfo=UTC), seed=4)
    return [WarmUpRecord(offset, *record) for offset, record in enumerate(records)]


def make_pipeline(deployment: Deployment) -> Pipeline:
    return ScoringPipeline(InForce("test", deployment), LIMITS)


def test_the_candidate_is_another_bundle_that_decides_alike(tmp_path: Path) -> None:
    """As after a strategist's small change, and as after one that concerns every ad."""
    live = make_small_bundle(tmp_path / "live", make_classifier())
    one, every = make_candidate(live, tmp_path / "live"), make_candidate_for_all(live, tmp_path / "live")
    assert len({bundle.strategies.ref.sha256 for bundle in (live, one, every)}) == 3
    assert one.classifier is every.classifier is live.classifier
    assert (share_policies(live, one), share_policies(live, every)) == (True, False)


def test_every_ad_is_judged_by_both_bundles(tmp_path: Path) -> None:
    """Nothing is dropped, so nothing is left out of the cost."""
    live = make_small_bundle(tmp_path / "live", make_classifier())
    deployment = Deployment(live, make_candidate(live, tmp_path / "live"))
    outputs = make_pipeline(deployment)(make_chunk())
    shadower = Shadower()
    shadower.judge(outputs)
    assert shadower.records == len(outputs.decisions) > 30


def test_both_sides_are_measured_in_every_pass(tmp_path: Path) -> None:
    """The first pass warms up and is not among them."""
    live = make_small_bundle(tmp_path / "live", make_classifier())
    candidate = make_candidate(live, tmp_path / "live")
    cost = measure_shadow(make_pipeline, live, candidate, [make_chunk()], passes=2)
    assert (cost.alone_us.rounds, cost.together_us.rounds, cost.added_share.rounds) == (2, 2, 2)
    assert cost.together_us.median > 0


def test_the_share_is_judged_by_its_median() -> None:
    """At most 35 %."""
    us = Spread(200.0, 190.0, 210.0, 3)
    assert judge_shadow("shadow", ShadowCost(us, us, Spread(0.35, 0.2, 0.9, 3)))[-1].met is True
    row = judge_shadow("shadow", ShadowCost(us, us, Spread(0.36, 0.2, 0.9, 3)))[-1]
    assert (row.met, row.target, row.measured) == (False, "≤ 35%", "36% (20% to 90%)")
