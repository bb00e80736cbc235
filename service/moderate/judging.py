"""From ads to rulings: scores, rules and blocks become signals, and the strategy for each ad rules on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from service.answer import Judged, LiveBundle, Received
from service.classifier import Classifier
from service.release.blocks import NO_BLOCKS, Blocks
from service.rules import AdView
from service.strategy import Failure, Signals

Scores = dict[str, float] | Failure
"""An ad's probability by policy, or why there is none."""

_SCORE_DECIMALS = 4


def score_ads(ads: Sequence[AdView], classifier: Classifier) -> list[Scores]:
    """Return each ad's scores; a text on which the classifier fails does not cost its neighbours theirs."""
    texts = [ad.model_text for ad in ads]
    try:
        return _score_texts(texts, classifier)
    except Exception:  # noqa: BLE001 - one text must not cost its neighbours their scores
        return [_score_alone(text, classifier) for text in texts]


def _score_alone(text: str, classifier: Classifier) -> Scores:
    try:
        return _score_texts([text], classifier)[0]
    except Exception as error:  # noqa: BLE001 - becomes a visible reason
        return Failure("classifier_failed", f"{type(error).__name__}: {error}"[:500])


def _score_texts(texts: Sequence[str], classifier: Classifier) -> list[Scores]:
    # Rounded before they are judged, so that a decision's scores and thresholds tell the whole story.
    rows = classifier.score(texts).tolist()
    return [
        {label: round(score, _SCORE_DECIMALS) for label, score in zip(classifier.labels, row, strict=True)}
        for row in rows
    ]


class Grounds(NamedTuple):
    """What ads are judged by: a bundle, the time of the decisions, and the emergency blocks."""

    bundle: LiveBundle
    as_of: datetime
    blocks: Blocks = NO_BLOCKS


def judge_ad(received: Received, ad: AdView, scored: Scores, grounds: Grounds) -> Judged:
    """Return the ruling of the bundle's strategy for the ad. What its view has worked out is not worked out again."""
    bundle, as_of, blocks = grounds
    strategy = bundle.strategies.strategy_for(received.submission, as_of)
    scores = None if isinstance(scored, Failure) else scored
    results = strategy.evaluate_rules([ad], None if scores is None else [scores], as_of)[0]
    if blocks.entries:
        policies = bundle.strategies.policies
        # The block may name a policy that this bundle has no more; it holds nevertheless.
        found = blocks.find(ad, as_of)
        results = [*results, *(r if r.policy in policies else r._replace(policy=None) for r in found)]
    failures = [scored] if isinstance(scored, Failure) else []
    if not ad.text_fields:
        failures.append(Failure("no_text", "the ad holds no text to judge; send image_text or transcript"))
    stage = bundle.classifier.name
    ruling = strategy.decide(Signals(scores=scores, results=results, failures=failures, model_stage=stage))
    failed_rules = tuple(result.rule for result in results if result.failure)
    return Judged(received, strategy, scores, ruling, tuple(failure.id for failure in failures), failed_rules)
