"""Decides ads by what a worker has in force: each ad by its arm, and every ad under the emergency blocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from service.answer import Judged, LiveBundle, Received
from service.deployment import Deployment
from service.moderate.deciding import Moderated, moderate_or_review, write_moderated
from service.moderate.explaining import explain_scores
from service.moderate.judging import Grounds, Scores, judge_ad, score_ads
from service.moderate.pairs import Arm, PendingPair, PendingPairs
from service.rules import AdView

CANDIDATE_FAILED = "candidate_failed"
"""In `degraded` of a decision that the candidate was to make, failed to, and live made."""


class DeployedResult(NamedTuple):
    """The decisions, one a submission in order, and what is needed to compare the arms; None without a candidate."""

    moderated: list[Moderated]
    pairs: PendingPairs | None = None


def moderate_deployed(received: Sequence[Received], deployment: Deployment, as_of: datetime) -> DeployedResult:
    """Return one decision for each submission, in order. Never raises: what fails becomes a review.

    Where the candidate is to decide and fails on an ad, live decides, and the decision's `degraded` says so.
    """
    if deployment.candidate is None:
        return DeployedResult(moderate_or_review(received, deployment.live, as_of, deployment.blocks))
    try:
        return _moderate_arms(received, deployment, as_of)
    except Exception:  # noqa: BLE001 - a candidate must not cost an ad its answer
        return DeployedResult(moderate_or_review(received, deployment.live, as_of, deployment.blocks))


def _moderate_arms(received: Sequence[Received], deployment: Deployment, as_of: datetime) -> DeployedResult:
    ads = [AdView(item.submission) for item in received]
    scored = score_ads(ads, deployment.live.classifier)
    items = [
        _judge_by_arm(item, ad, scores, deployment, as_of)
        for item, ad, scores in zip(received, ads, scored, strict=True)
    ]
    explained = explain_scores([item.decided for item in items], ads, deployment.live.classifier)
    moderated = [_write(judged, item, deployment, as_of) for judged, item in zip(explained, items, strict=True)]
    return DeployedResult(moderated, PendingPairs(items, deployment, as_of))


def _judge_by_arm(
    received: Received, ad: AdView, scored: Scores, deployment: Deployment, as_of: datetime
) -> PendingPair:
    rollout, candidate, blocks = deployment.rollout, deployment.candidate, deployment.blocks
    concerned = rollout is not None and rollout.concerns(received.submission)
    failure = ""
    if rollout is not None and candidate is not None and rollout.includes(received.submission):
        try:
            decided = judge_ad(received, ad, scored, Grounds(candidate, as_of, blocks))
            return PendingPair(ad, scored, decided, "candidate", concerned)
        except Exception as error:  # noqa: BLE001 - live decides instead, visibly
            failure = f"{type(error).__name__}: {error}"[:500]
    decided = judge_ad(received, ad, scored, Grounds(deployment.live, as_of, blocks))
    if failure:
        decided = decided._replace(failures=(*decided.failures, CANDIDATE_FAILED))
    return PendingPair(ad, scored, decided, "live", concerned, failure)


def _write(judged: Judged, item: PendingPair, deployment: Deployment, as_of: datetime) -> Moderated:
    bundle = _choose(item.arm, deployment)
    moderated = write_moderated(judged, item.ad, bundle, as_of)
    rollout = deployment.rollout.id if deployment.rollout is not None and item.in_rollout else None
    if item.arm == "live" and rollout is None:
        return moderated
    decision = moderated.decision.model_copy(update={"arm": item.arm, "rollout": rollout})
    return moderated._replace(decision=decision)


def _choose(arm: Arm, deployment: Deployment) -> LiveBundle:
    return deployment.candidate if arm == "candidate" and deployment.candidate is not None else deployment.live
