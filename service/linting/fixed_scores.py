"""A classifier that gives what a test says instead of what it thinks, policy by policy."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from service.classifier import Classifier


class _NoModel:
    """A stage that knows nothing: 0.0 for each policy."""

    name = "no_model"

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give zeros."""
        return np.zeros((len(texts), len(self.labels)), dtype=np.float32)


class _FixedStage:
    """Another classifier's scores, some of them replaced."""

    def __init__(self, classifier: Classifier, fixed: Mapping[str, float]) -> None:
        self.name = classifier.name
        self.labels = classifier.labels
        self._classifier = classifier
        self._fixed = {self.labels.index(policy): score for policy, score in fixed.items()}

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give the classifier's scores with the fixed columns."""
        scores = self._classifier.score(texts).copy()
        for column, score in self._fixed.items():
            scores[:, column] = score
        return scores


def make_silent_classifier(labels: Sequence[str]) -> Classifier:
    """Return a classifier that scores 0.0 everywhere: for checks without the model."""
    return Classifier(_NoModel(labels), "0" * 64)


def fix_scores(classifier: Classifier, fixed: Mapping[str, float]) -> Classifier:
    """Return the classifier with some scores `fixed`. Raises ValueError for a policy that it does not score."""
    for policy in fixed:
        if policy not in classifier.labels:
            raise ValueError(f"the classifier has no label '{policy}'; it has {', '.join(classifier.labels)}")
    return Classifier(_FixedStage(classifier, fixed), classifier.model_hash) if fixed else classifier
