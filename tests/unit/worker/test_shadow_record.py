import json
from pathlib import Path

from service.contracts.shadow_decision import ShadowDecision
from service.deployment import Deployment
from service.moderate import moderate_deployed
from service.worker.shadow_record import build_shadow_record
from tests.moderating import NOW, say
from tests.unit.worker.shadowing import ROLLOUT, break_bundle, decide, make_candidate, make_live


def test_a_record_is_what_the_contract_describes(tmp_path: Path) -> None:
    """Every field, read back through the contract's own model; nothing that it does not know."""
    live, candidate = make_live(tmp_path), make_candidate(tmp_path)
    ad = say("maybe, casino", "ad-é", 41)
    result = moderate_deployed([ad], Deployment(live, candidate), NOW)
    assert result.pairs is not None
    written = build_shadow_record(result.pairs.evaluate()[0], None)
    assert written.partition == 3
    assert written.record.key == "ad-é".encode()
    read = ShadowDecision.model_validate_json(written.record.value or b"")
    assert json.loads(written.record.value or b"") == json.loads(read.model_dump_json())
    decision = result.moderated[0].decision
    assert (read.decision_id, read.ad_id, read.revision) == (decision.decision_id, "ad-é", decision.revision)
    assert (read.origin, read.decided_at) == (decision.origin, decision.decided_at)
    assert (read.vertical, read.market, read.product) == (
        ad.submission.vertical,
        ad.submission.market,
        ad.submission.product,
    )
    assert (read.arm, read.rollout) == ("live", None)
    assert (read.live.bundle, read.live.version) == (live.strategies.ref.sha256, "7")
    assert (read.candidate.bundle, read.candidate.version) == (candidate.strategies.ref.sha256, "8")
    assert read.live.outcome == decision.outcome
    assert [(r.policy, r.id, r.outcome, r.score) for r in read.live.reasons] == [
        (r.policy, r.id, r.outcome, r.score) for r in decision.reasons
    ]
    assert read.live.strategy == read.candidate.strategy == "default"


def test_a_candidate_that_failed_says_why(tmp_path: Path) -> None:
    """And has no outcome, so that nobody counts one."""
    pairs = decide(Deployment(make_live(tmp_path), break_bundle(make_candidate(tmp_path))), ["maybe"])
    written = build_shadow_record(pairs.evaluate()[0], None)
    read = ShadowDecision.model_validate_json(written.record.value or b"")
    assert (read.candidate.outcome, read.candidate.reasons, read.candidate.strategy) == (None, (), None)
    assert read.candidate.failure == "RuntimeError: the candidate is broken"
    assert read.live.outcome == "review"


def test_a_rollout_is_named_on_the_ads_that_it_concerns(tmp_path: Path) -> None:
    """With the arm that decided, as the decision has it."""
    live, candidate = make_live(tmp_path), make_candidate(tmp_path)
    everybody = ROLLOUT._replace(percent=100.0)
    pairs = decide(Deployment(live, candidate, everybody), ["maybe"])
    read = json.loads(build_shadow_record(pairs.evaluate()[0], everybody.id).record.value or b"")
    assert (read["arm"], read["rollout"]) == ("candidate", "r-1")
    elsewhere = everybody._replace(scope=everybody.scope.model_copy(update={"markets": ("JP",)}))
    pairs = decide(Deployment(live, candidate, elsewhere), ["maybe"])
    read = json.loads(build_shadow_record(pairs.evaluate()[0], elsewhere.id).record.value or b"")
    assert (read["arm"], read["rollout"]) == ("live", None)
