"""What tests of moderation share: the shipped bundle, a small one with a stage that does as told, and submissions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.answer import LiveBundle, Received
from service.bootstrap import load_live_bundle
from service.classifier import Classifier
from service.contracts.decision import Origin
from service.contracts.submission import Submission
from service.settings import load_settings
from service.strategy import load_bundle
from tests.ads import make_ad

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
RECEIVED_AT = datetime(2026, 2, 1, 11, 59, tzinfo=UTC)
LABELS = ("gambling", "scam_fraud")

SMALL_BUNDLE = """\
schema_version: 1
version: "7"
how_to_appeal: Write to us.
failure_sla_minutes: 240
policies:
  gambling:
    title: Gambling
    ground: {kind: law, reference: "A law"}
    message: Games of chance need a licence.
    harm_weight: 2.0
    review_sla_minutes: 60
  scam_fraud:
    title: Scams
    ground: {kind: terms, reference: "Terms 3.5"}
    message: Remove false promises.
    harm_weight: 4.0
    review_sla_minutes: 30
"""
SMALL_STRATEGY = """\
id: default
owner: team
description: For tests.
scope: {vertical: any, market: any, product: any}
thresholds:
  gambling: {approve_below: 0.4, reject_above: 0.9}
  scam_fraud: {approve_below: 0.3, reject_above: 0.8}
rules:
  - id: big-discount
    policy: scam_fraud
    when: ['has(ad.attributes.discount) && double(ad.attributes.discount) > 80.0']
    action: review
  - id: casino-words
    policy: gambling
    match: {terms: casino}
    action: reject
"""


class WordStage:
    """Scores by words that stand in the text; raises on a text that holds one of `poison`."""

    name = "words"

    def __init__(
        self, scores: Mapping[str, Sequence[float]] | None = None, poison: str = "", labels: Sequence[str] = LABELS
    ) -> None:
        self.labels = tuple(labels)
        self._scores = scores or {}
        self._poison = poison

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._poison and any(self._poison in text for text in texts):
            raise RuntimeError(f"cannot score {self._poison}")
        rows = np.zeros((len(texts), len(self.labels)), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word, scores in self._scores.items():
                if word in text:
                    row[:] = np.maximum(row, np.asarray(scores, np.float32))
        return rows


def make_classifier(
    scores: Mapping[str, Sequence[float]] | None = None, poison: str = "", labels: Sequence[str] = LABELS
) -> Classifier:
    """Return the real classifier over a stage that does as told."""
    return Classifier(WordStage(scores, poison, labels), "ab" * 32)


def make_small_bundle(folder: Path, classifier: Classifier, *changes: tuple[str, str]) -> LiveBundle:
    """Write the small bundle into the folder, with (old, new) changes to its files, and load it."""
    shared, strategy = SMALL_BUNDLE, SMALL_STRATEGY
    for old, new in changes:
        assert old in shared + strategy
        shared, strategy = shared.replace(old, new), strategy.replace(old, new)
    (folder / "lists" / "terms").mkdir(parents=True)
    (folder / "lists" / "terms" / "casino.txt").write_text("casino\n")
    (folder / "bundle.yaml").write_text(shared)
    (folder / "default.yaml").write_text(strategy)
    return LiveBundle(load_bundle(folder), classifier)


@cache
def load_shipped() -> LiveBundle:
    """Return the shipped strategies and classifier, loaded once for all tests."""
    return load_live_bundle(load_settings({}))


def receive(ad: dict[str, Any], offset: int = 0) -> Received:
    """Return an ad as the worker has read it."""
    return Received(
        Submission.model_validate(ad), Origin(topic="ads.submissions", partition=3, offset=offset), RECEIVED_AT
    )


def say(headline: str, ad_id: str = "ad-1", offset: int = 0, **changes: Any) -> Received:  # noqa: ANN401 - any JSON value
    """Return a received ad whose only text is a headline."""
    return receive(make_ad(ad_id, creative={"headline": headline}, **changes), offset)
