"""Decides ads by one bundle: views, scores, rulings, evidence, decisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from service.answer import Judged, LiveBundle, Received, write_decision, write_review_task
from service.contracts.decision import Decision
from service.contracts.review_task import ReviewTask
from service.moderate.explaining import explain_scores
from service.moderate.judging import Grounds, judge_ad, score_ads
from service.release.blocks import NO_BLOCKS, Blocks
from service.rules import AdView
from service.strategy import Failure, rule_failure


class Moderated(NamedTuple):
    """What became of one submission, and which parts failed on the way."""

    decision: Decision
    review_task: ReviewTask | None
    failed: bool = False
    model_failed: bool = False
    failed_rules: tuple[str, ...] = ()


def moderate(
    received: Sequence[Received], bundle: LiveBundle, as_of: datetime, blocks: Blocks = NO_BLOCKS
) -> list[Moderated]:
    """Return one result for each submission, in order.

    `as_of` is the time of all decisions, and what ages and due times are counted from. A classifier or a rule that
    fails on an ad gives that ad a review with a reason of source `failure`. Raises whatever else goes wrong:
    `moderate_or_review` does not.
    """
    ads = [AdView(item.submission) for item in received]
    scored = score_ads(ads, bundle.classifier)
    grounds = Grounds(bundle, as_of, blocks)
    judged = [judge_ad(item, ad, scores, grounds) for item, ad, scores in zip(received, ads, scored, strict=True)]
    explained = explain_scores(judged, ads, bundle.classifier)
    return [write_moderated(item, ad, bundle, as_of) for item, ad in zip(explained, ads, strict=True)]


def moderate_or_review(
    received: Sequence[Received], bundle: LiveBundle, as_of: datetime, blocks: Blocks = NO_BLOCKS
) -> list[Moderated]:
    """Return the same, but when the batch fails moderate ad by ad, and send the ad that still fails to review."""
    try:
        return moderate(received, bundle, as_of, blocks)
    except Exception:  # noqa: BLE001 - whatever fails, each ad gets its answer
        return [_moderate_alone(item, bundle, as_of, blocks) for item in received]


def _moderate_alone(received: Received, bundle: LiveBundle, as_of: datetime, blocks: Blocks) -> Moderated:
    try:
        return moderate([received], bundle, as_of, blocks)[0]
    except Exception as error:  # noqa: BLE001 - never an approval, never a lost ad
        return send_to_review(received, bundle, as_of, error)


def send_to_review(received: Received, bundle: LiveBundle, as_of: datetime, error: Exception) -> Moderated:
    """Return the review of an ad that could not be judged at all."""
    # No strategy is asked: it may be what failed, and an ad without an answer would be tried for ever.
    ruling = rule_failure(
        Failure("moderation_failed", f"{type(error).__name__}: {error}"), bundle.strategies.failure_sla_minutes
    )
    judged = Judged(received, None, None, ruling, ("moderation_failed",))
    decision = write_decision(judged, bundle, as_of)
    # Whatever the ad's texts hold made moderation fail; a task without them cannot fail the same way.
    blank = received.submission.creative.model_validate({})
    ad = AdView(received.submission.model_copy(update={"creative": blank, "language": "und"}))
    return Moderated(decision, write_review_task(judged, ad, decision, bundle), failed=True)


def write_moderated(judged: Judged, ad: AdView, bundle: LiveBundle, as_of: datetime) -> Moderated:
    """Return the ruling, written down."""
    decision = write_decision(judged, bundle, as_of)
    return Moderated(
        decision,
        write_review_task(judged, ad, decision, bundle),
        model_failed=judged.scores is None,
        failed_rules=judged.failed_rules,
    )
