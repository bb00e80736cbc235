"""Scores that a test gives instead of the classifier's."""

import numpy as np
import pytest

from service.linting.fixed_scores import fix_scores, make_silent_classifier


def test_only_the_given_policies_are_replaced() -> None:
    """The others keep what the classifier says, and so does the classifier itself."""
    silent = make_silent_classifier(["gambling", "spam"])
    fixed = fix_scores(silent, {"spam": 0.75})
    assert np.array_equal(fixed.score(["a", "b"]), np.array([[0.0, 0.75], [0.0, 0.75]], dtype=np.float32))
    assert not silent.score(["a"]).any()
    assert (fixed.name, fixed.labels, fixed.model_hash) == (silent.name, silent.labels, silent.model_hash)


def test_nothing_given_changes_nothing() -> None:
    """The very classifier comes back."""
    silent = make_silent_classifier(["gambling"])
    assert fix_scores(silent, {}) is silent


def test_a_policy_without_a_score_is_refused() -> None:
    """It is named, with what there is."""
    with pytest.raises(ValueError, match="no label 'scam'; it has gambling"):
        fix_scores(make_silent_classifier(["gambling"]), {"scam": 0.1})
