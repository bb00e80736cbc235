"""Platt's method and the figures of the card, on numbers worked out by hand."""

import numpy as np
import pytest

from models.calibration import Platt, fit_platt, measure, measure_ece


def test_platt_finds_the_curve_that_made_the_data() -> None:
    """Labels drawn from a known curve give that curve back."""
    random = np.random.default_rng(7)
    logits = random.normal(0, 3, 40_000)
    truth = (random.random(40_000) < Platt(0.8, -1.0).apply(logits)).astype(np.int8)
    found = fit_platt(logits, truth, np.ones(40_000))
    assert found.slope == pytest.approx(0.8, abs=0.03)
    assert found.offset == pytest.approx(-1.0, abs=0.05)


def test_weights_set_the_prior() -> None:
    """Positives that weigh a tenth lower the offset: scores speak of a rarer breach."""
    logits = np.array([-1.0, 1.0, -1.0, 1.0] * 100)
    truth = np.array([0, 0, 1, 1] * 100, dtype=np.int8)
    even = fit_platt(logits, truth, np.ones(400))
    rare = fit_platt(logits, truth, np.where(truth == 1, 0.1, 1.0))
    assert rare.offset < even.offset - 1


def test_ece_is_the_weighted_gap() -> None:
    """Two bins, one right and one off by 0.5: a quarter."""
    probabilities = np.array([0.0, 0.0, 0.5, 0.5])
    truth = np.array([0, 0, 1, 1], dtype=np.int8)
    assert measure_ece(probabilities, truth, np.ones(4)) == pytest.approx(0.25)
    assert measure_ece(probabilities, truth, np.array([3.0, 3.0, 1.0, 1.0])) == pytest.approx(0.125)


def test_perfect_scores_have_perfect_figures() -> None:
    """Areas and recall are 1 when the classes are apart."""
    figures = measure(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1], dtype=np.int8), np.ones(4))
    assert figures == {
        "texts": 4, "positives": 2, "auc": 1.0, "average_precision": 1.0, "recall_at_1pct_fpr": 1.0, "ece": 0.0
    }  # fmt: skip
