"""Turn logits into probabilities by Platt's method, and measure scores.

Place in the flow: after fitting, on a fold that the fit has not seen. The held-out texts are weighted as if PRIOR of
them broke the policy and each source counted by the root of its size: training sources are up to half violations, ads
are not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

PRIOR = 0.05  # assumed share of violations before anything is known of an ad
BINS = 15
ALLOWED_FPR = 0.01

Floats = NDArray[np.float64]


class Platt(NamedTuple):
    """p = sigmoid(slope * logit + offset)."""

    slope: float
    offset: float

    def apply(self, logits: Floats) -> Floats:
        """Give probabilities of the logits' shape."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * logits + self.offset))))


def fit_platt(logits: Floats, truth: NDArray[np.int8], weights: Floats) -> Platt:
    """Fit slope and offset by weighted log loss; targets are Platt's, a little inside 0 and 1."""
    positives, negatives = int((truth == 1).sum()), int((truth == 0).sum())
    target = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(point: Floats) -> tuple[float, Floats]:
        z = point[0] * logits + point[1]
        gap = weights * (1 / (1 + np.exp(-z)) - target)
        value = float((weights * (np.logaddexp(0, z) - target * z)).sum())
        return value, np.array([(gap * logits).sum(), gap.sum()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(1e-3, None), (None, None)])
    return Platt(float(found.x[0]), float(found.x[1]))


def measure_ece(probabilities: Floats, truth: NDArray[np.int8], weights: Floats) -> float:
    """Measure the expected calibration error over BINS equal bins, weighted."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights * (truth - probabilities), BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def measure(probabilities: Floats, truth: NDArray[np.int8], weights: Floats) -> dict[str, float | int]:
    """Measure one policy on texts whose label is known; `weights` serve the calibration error alone."""
    rates, recalls, _ = roc_curve(truth, probabilities)
    return {
        "texts": len(truth),
        "positives": int((truth == 1).sum()),
        "auc": round(float(roc_auc_score(truth, probabilities)), 4),
        "average_precision": round(float(average_precision_score(truth, probabilities)), 4),
        "recall_at_1pct_fpr": round(float(recalls[rates <= ALLOWED_FPR].max()), 4),
        "ece": round(measure_ece(probabilities, truth, weights), 4),
    }
