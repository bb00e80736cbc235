"""The heart: submissions, a bundle and a time in, decisions and review tasks out.

Pure: no Kafka, no clock, no metrics. An ad's result does not depend on its neighbours in the batch. The live worker,
the command line, replays and tests all call this, so what was tried out is what runs.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from service.answer import Judged, LiveBundle, Received, write_decision, write_review_task
from service.classifier import Classifier
from service.contracts.decision import MAX_EXCERPT_CHARS as EXCERPT
from service.contracts.decision import Decision, Evidence, Outcome, Reason, Source
from service.contracts.review_task import ReviewTask
from service.rules import AdView
from service.strategy import Failure, RuleResult, Signals
from service.text.words import find_words

_SCORE_DECIMALS = 4
_EXPLAINED_REASONS = 2
_EXPLAINED_WORDS = 3


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
    return [_judge(item, ad, scores, bundle, as_of) for item, ad, scores in zip(received, ads, scored, strict=True)]


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
    strategy = bundle.strategies.strategy_for(received.submission)
    failure = Failure("moderation_failed", f"{type(error).__name__}: {error}"[:500])
    ruling = strategy.decide(Signals(scores=None, failures=[failure]))
    judged = Judged(received, strategy, {}, ruling, ("moderation_failed",))
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
) -> Moderated:
    strategy = bundle.strategies.strategy_for(received.submission)
    scores = None if isinstance(scored, Failure) else scored
    results = strategy.evaluate_rules([ad], None if scores is None else [scores], as_of)[0]
    failures = [scored] if isinstance(scored, Failure) else []
    if not ad.text_fields:
        failures.append(Failure("no_text", "the ad holds no text to judge; send image_text or transcript"))
    stage = bundle.classifier.name
    ruling = strategy.decide(Signals(scores=scores, results=results, failures=failures, model_stage=stage))
    if ruling.outcome is not Outcome.APPROVE:
        ruling = ruling._replace(reasons=_explain_scores(ruling.reasons, ad, bundle.classifier))
    failed_rules = tuple(result.rule for result in results if result.failure)
    judged = Judged(received, strategy, scores or {}, ruling, _name_degraded(failures, results))
    decision = write_decision(judged, bundle, as_of)
    return Moderated(
        decision,
        write_review_task(judged, ad, decision, bundle),
        model_failed=scores is None,
        failed_rules=failed_rules,
    )


def _name_degraded(failures: Sequence[Failure], results: Sequence[RuleResult]) -> tuple[str, ...]:
    rules = [f"rule_failed:{result.rule}" for result in results if result.failure]
    return (*(failure.id for failure in failures), *rules)


def _explain_scores(reasons: Sequence[Reason], ad: AdView, classifier: Classifier) -> tuple[Reason, ...]:
    """Give the weightiest model reasons their evidence; explaining costs more than scoring, so not all of them."""
    explained = [reason for reason in reasons if reason.source is Source.MODEL][:_EXPLAINED_REASONS]
    return tuple(
        reason.model_copy(update={"evidence": _find_evidence(reason.policy or "", ad, classifier)})
        if reason in explained
        else reason
        for reason in reasons
    )


def _find_evidence(policy: str, ad: AdView, classifier: Classifier) -> tuple[Evidence, ...]:
    text = ad.model_text
    words = [text[span.start : span.end] for span in classifier.explain(text, policy, _EXPLAINED_WORDS)]
    return tuple(
        Evidence(field=place.field, start=place.start, end=place.end, excerpt=place.text[:EXCERPT])
        for place in find_words(ad.text_fields, words)
    )


__all__ = ["LiveBundle", "Moderated", "Received", "moderate", "moderate_or_review"]
