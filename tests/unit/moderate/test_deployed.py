from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.answer import LiveBundle
from service.contracts.decision import Outcome
from service.contracts.ledger import Block
from service.deployment import Deployment
from service.moderate import PendingPairs, moderate, moderate_deployed
from service.moderate.deployed import CANDIDATE_FAILED
from service.release.blocks import Blocks
from service.release.rollout import Rollout
from service.rules import AdView
from service.strategy import CompiledStrategy, RuleResult
from tests.moderating import NOW, make_classifier, make_small_bundle, say

CLASSIFIER = make_classifier({"maybe": (0.5, 0.0)})


class FailingStrategy(CompiledStrategy):
    """A real strategy whose rules raise."""

    def __init__(self, whole: CompiledStrategy) -> None:
        self.__dict__.update(whole.__dict__)

    def evaluate_rules(
        self,
        ads: Sequence[AdView],
        scores: Sequence[Mapping[str, float]] | None,
        as_of: datetime,
    ) -> list[list[RuleResult]]:
        raise RuntimeError(f"the candidate is broken, {len(ads)} ad, {scores}, {as_of.year}")


@pytest.fixture
def live(tmp_path: Path) -> LiveBundle:
    return make_small_bundle(tmp_path / "live", CLASSIFIER)


@pytest.fixture
def candidate(tmp_path: Path) -> LiveBundle:
    """Return a bundle that rejects what live does not, by a lower threshold; its version is 8."""
    changes = ('"7"', '"8"'), ("0.4, reject_above: 0.9", "0.4, reject_above: 0.5")
    return make_small_bundle(tmp_path / "candidate", CLASSIFIER, *changes)


def break_rules(bundle: LiveBundle, monkeypatch: pytest.MonkeyPatch) -> LiveBundle:
    whole = bundle.strategies.strategy_for(say("x").submission, NOW)
    monkeypatch.setattr(bundle.strategies, "strategy_for", lambda *_: FailingStrategy(whole))
    return bundle


def test_without_a_candidate_it_is_moderate(live: LiveBundle) -> None:
    """Decisions are those of the one bundle, and there is nothing to compare."""
    ads = [say("maybe", "ad-1"), say("casino", "ad-2")]
    result = moderate_deployed(ads, Deployment(live), NOW)
    assert result.moderated == moderate(ads, live, NOW)
    assert result.pairs is None
    assert {item.decision.arm for item in result.moderated} == {"live"}


def test_a_shadow_decides_nothing(live: LiveBundle, candidate: LiveBundle) -> None:
    """Live's decisions stand to the byte; the pair shows what the candidate would have done, from the same scores."""
    ads = [say("maybe", "ad-1"), say("casino", "ad-2"), say("shoes", "ad-3")]
    result = moderate_deployed(ads, Deployment(live, candidate), NOW)
    assert result.moderated == moderate(ads, live, NOW)
    assert result.pairs is not None
    pairs = result.pairs.evaluate()
    outcomes = [
        (p.live.ruling and p.live.ruling.outcome, p.candidate.ruling and p.candidate.ruling.outcome) for p in pairs
    ]
    assert outcomes == [("review", "reject"), ("reject", "reject"), ("approve", "approve")]
    assert {p.arm for p in pairs} == {"live"}
    assert pairs[0].candidate.bundle.strategies.version == "8"
    assert not any(p.in_rollout for p in pairs)


def test_each_arm_decides_its_advertisers(live: LiveBundle, candidate: LiveBundle) -> None:
    """A decision names arm, rollout and bundle; both arms are in the pair, whichever decided."""
    rollout = Rollout("spring", candidate.strategies.sha256, 40.0)
    ads = [say("maybe", f"ad-{n}", n, advertiser={"id": f"adv-{n}"}) for n in range(50)]
    result = moderate_deployed(ads, Deployment(live, candidate, rollout), NOW)
    assert result.pairs is not None
    pairs = result.pairs.evaluate()
    arms = ["candidate" if rollout.includes(ad.submission) else "live" for ad in ads]
    assert set(arms) == {"live", "candidate"}
    for item, pair, arm in zip(result.moderated, pairs, arms, strict=True):
        chosen = candidate if arm == "candidate" else live
        assert (item.decision.arm, item.decision.rollout) == (arm, "spring")
        assert item.decision.bundle == chosen.strategies.ref
        assert item.decision.outcome == ("reject" if arm == "candidate" else "review")
        assert (item.review_task is None) == (arm == "candidate")
        assert pair.arm == arm
        assert pair.live.ruling is not None
        assert pair.live.ruling.outcome == "review"
        assert pair.candidate.ruling is not None
        assert pair.candidate.ruling.outcome == "reject"


def test_a_candidate_that_fails_leaves_the_ad_to_live(
    live: LiveBundle, candidate: LiveBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live decides, the decision says that the candidate failed, and so does the pair."""
    rollout = Rollout("spring", candidate.strategies.sha256, 100.0)
    broken = break_rules(candidate, monkeypatch)
    result = moderate_deployed([say("maybe")], Deployment(live, broken, rollout), NOW)
    (item,) = result.moderated
    assert (item.decision.outcome, item.decision.arm, item.decision.bundle) == ("review", "live", live.strategies.ref)
    assert item.decision.degraded == (CANDIDATE_FAILED,)
    assert result.pairs is not None
    (pair,) = result.pairs.evaluate()
    assert pair.candidate.ruling is None
    assert pair.candidate.failure.startswith("RuntimeError: the candidate is broken")


def test_a_shadow_that_fails_is_part_of_the_answer(
    live: LiveBundle, candidate: LiveBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluating pairs never raises; live's decision is untouched."""
    broken = break_rules(candidate, monkeypatch)
    result = moderate_deployed([say("maybe")], Deployment(live, broken), NOW)
    assert result.moderated == moderate([say("maybe")], live, NOW)
    assert result.pairs is not None
    assert result.pairs.evaluate()[0].candidate.failure.startswith("RuntimeError: the candidate is broken")


def test_where_live_fails_the_ad_goes_to_review(
    live: LiveBundle, candidate: LiveBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a candidate beside it a live bundle that raises still answers every ad, by a review."""
    result = moderate_deployed([say("shoes")], Deployment(break_rules(live, monkeypatch), candidate), NOW)
    (item,) = result.moderated
    assert item.failed
    assert item.decision.outcome is Outcome.REVIEW
    assert result.pairs is None


def test_blocks_hold_in_both_arms(live: LiveBundle, candidate: LiveBundle) -> None:
    """An emergency block rejects whatever the arm, with its name; another policy than the bundle's is no obstacle."""
    entry = Block(
        sequence=1, previous="0" * 64, at=NOW, author="kim", reason="fakes", block="b-1", what="term", value="shoes",
        policy="unheard_of", expires_at=NOW + timedelta(hours=1),
    )  # fmt: skip
    ads = [say("shoes", f"ad-{n}", n, advertiser={"id": f"adv-{n}"}) for n in range(20)]
    rollout = Rollout("spring", candidate.strategies.sha256, 50.0)
    deployment = Deployment(live, candidate, rollout, Blocks([entry]))
    result = moderate_deployed(ads, deployment, NOW)
    assert {item.decision.outcome for item in result.moderated} == {Outcome.REJECT}
    assert {item.decision.arm for item in result.moderated} == {"live", "candidate"}
    assert {item.decision.reasons[0].id for item in result.moderated} == {"block/b-1"}
    later = moderate_deployed(ads, deployment, NOW + timedelta(hours=1))
    assert {item.decision.outcome for item in later.moderated} == {Outcome.APPROVE}


def test_pairs_need_a_candidate(live: LiveBundle, candidate: LiveBundle) -> None:
    """Pairs without one are a mistake of the caller, told as such."""
    result = moderate_deployed([say("x")], Deployment(live, candidate), NOW)
    assert result.pairs is not None
    with pytest.raises(LookupError, match="no candidate"):
        PendingPairs(result.pairs.items, Deployment(live), NOW).evaluate()
