"""The heart: submissions, a bundle and a time in, decisions and review tasks out.

Pure: no Kafka, no clock, no metrics. An ad's result does not depend on its neighbours in the batch. The live worker,
the command line, replays and tests all call this, so what was tried out is what runs.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from service.answer import Judged, LiveBundle, Received, write_decision, write_review_task
from service.classifier import Classifier
from service.classifier.evidence import Question, find_evidence
from service.contracts.decision import Decision, Outcome, Source
from service.contracts.review_task import ReviewTask
from service.rules import AdView
from service.strategy import Failure, Ruling, Signals, rule_failure

_SCORE_DECIMALS = 4
_EXPLAINED_REASONS = 2


class Moderated(NamedTuple):
    """What became of one submission, and which parts failed on the way."""

    decision: Decision
    review_task: ReviewTask | None
    failed: bool = False
    model_failed: bool = False
    failed_rules: tuple[str, ...] = ()


def moderate(received: Sequence[Received], bundle: LiveBundle, as_of: datetime) -> list[Moderated]:
    """Return one result for each submission, in order.

    `as_of` is the time of all decisions, and what ages and due times are counted from. A classifier or a rule that
    fails on an ad gives that ad a review with a reason of source `failure`. Raises whatever else goes wrong:
    `moderate_or_review` does not.
    """
    ads = [AdView(item.submission) for item in received]
    scored = _score(ads, bundle.classifier)
    judged = [_judge(item, ad, scores, bundle, as_of) for item, ad, scores in zip(received, ads, scored, strict=True)]
    explained = _explain_scores(judged, ads, bundle.classifier)
    return [_write(item, ad, bundle, as_of) for item, ad in zip(explained, ads, strict=True)]


def moderate_or_review(received: Sequence[Received], bundle: LiveBundle, as_of: datetime) -> list[Moderated]:
    """Return the same, but when the batch fails moderate ad by ad, and send the ad that still fails to review."""
    try:
        return moderate(received, bundle, as_of)
    except Exception:  # noqa: BLE001 - whatever fails, each ad gets its answer
        return [_moderate_alone(item, bundle, as_of) for item in received]


def _moderate_alone(received: Received, bundle: LiveBundle, as_of: datetime) -> Moderated:
    try:
        return moderate([received], bundle, as_of)[0]
    except Exception as error:  # noqa: BLE001 - never an approval, never a lost ad
        return _send_to_review(received, bundle, as_of, error)


def _send_to_review(received: Received, bundle: LiveBundle, as_of: datetime, error: Exception) -> Moderated:
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


def _score(ads: Sequence[AdView], classifier: Classifier) -> list[dict[str, float] | Failure]:
    texts = [ad.model_text for ad in ads]
    try:
        return _score_texts(texts, classifier)
    except Exception:  # noqa: BLE001 - one text must not cost its neighbours their scores
        return [_score_alone(text, classifier) for text in texts]


def _score_alone(text: str, classifier: Classifier) -> dict[str, float] | Failure:
    try:
        return _score_texts([text], classifier)[0]
    except Exception as error:  # noqa: BLE001 - becomes a visible reason
        return Failure("classifier_failed", f"{type(error).__name__}: {error}"[:500])


def _score_texts(texts: Sequence[str], classifier: Classifier) -> list[dict[str, float] | Failure]:
    # Rounded before they are judged, so that a decision's scores and thresholds tell the whole story.
    rows = classifier.score(texts).tolist()
    return [
        {label: round(score, _SCORE_DECIMALS) for label, score in zip(classifier.labels, row, strict=True)}
        for row in rows
    ]


def _judge(
    received: Received, ad: AdView, scored: dict[str, float] | Failure, bundle: LiveBundle, as_of: datetime
) -> Judged:
    strategy = bundle.strategies.strategy_for(received.submission)
    scores = None if isinstance(scored, Failure) else scored
    results = strategy.evaluate_rules([ad], None if scores is None else [scores], as_of)[0]
    failures = [scored] if isinstance(scored, Failure) else []
    if not ad.text_fields:
        failures.append(Failure("no_text", "the ad holds no text to judge; send image_text or transcript"))
    stage = bundle.classifier.name
    ruling = strategy.decide(Signals(scores=scores, results=results, failures=failures, model_stage=stage))
    failed_rules = tuple(result.rule for result in results if result.failure)
    return Judged(received, strategy, scores, ruling, tuple(failure.id for failure in failures), failed_rules)


def _explain_scores(judged: Sequence[Judged], ads: Sequence[AdView], classifier: Classifier) -> list[Judged]:
    """Give the weightiest model reasons of each restricted ad their evidence."""
    wanted = [_choose_policies(item.ruling) for item in judged]
    asked = [index for index, policies in enumerate(wanted) if policies]
    answers = find_evidence([Question(ads[index].text_fields, wanted[index]) for index in asked], classifier)
    explained = list(judged)
    for index, evidence in zip(asked, answers, strict=True):
        ruling = judged[index].ruling
        reasons = tuple(
            reason.model_copy(update={"evidence": evidence[reason.policy]})
            if reason.source is Source.MODEL and reason.policy in evidence
            else reason
            for reason in ruling.reasons
        )
        explained[index] = judged[index]._replace(ruling=ruling._replace(reasons=reasons))
    return explained


def _choose_policies(ruling: Ruling) -> list[str]:
    if ruling.outcome is Outcome.APPROVE:
        return []
    scored = [reason.policy for reason in ruling.reasons if reason.source is Source.MODEL and reason.policy]
    return scored[:_EXPLAINED_REASONS]


def _write(judged: Judged, ad: AdView, bundle: LiveBundle, as_of: datetime) -> Moderated:
    decision = write_decision(judged, bundle, as_of)
    return Moderated(
        decision,
        write_review_task(judged, ad, decision, bundle),
        model_failed=judged.scores is None,
        failed_rules=judged.failed_rules,
    )


__all__ = ["LiveBundle", "Moderated", "Received", "moderate", "moderate_or_review"]
