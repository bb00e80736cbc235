"""Scoring, on a small model whose answers are known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.classifier import Classifier, ModelScoreError, load_classifier
from service.classifier.windows import WINDOW_CHARS
from tests.unit.classifier.conftest import tiny_graph

WriteModel = Callable[..., Path]
ODD_TEXTS = ["", " ", "😀" * 5, "\ud800\udfff", "casino", "free casino", "x" * 3_000, "中文广告", "a\0b"]


@pytest.fixture
def classifier(write_model: WriteModel) -> Classifier:
    return load_classifier(write_model())


def test_scores_are_probabilities_of_the_right_label(classifier: Classifier) -> None:
    """The word that was taught raises its own label alone."""
    scores = classifier.score(["a casino near you", "free shoes", "shoes"])
    assert scores.shape == (3, 2)
    assert scores.dtype == np.float32
    gambling, spam = scores[:, 0], scores[:, 1]
    assert gambling[0] > 0.9
    assert gambling[2] < 0.7
    assert spam[1] > 0.9
    assert spam[2] < 0.7


def test_the_graph_computes_the_written_formula(classifier: Classifier) -> None:
    """One text by hand: sums over the norm, bias, Platt."""
    grams = 5 + 4 + 3 + 2 + 1  # of " free ": 5 of two characters, 4 of three, 3 of four, 2 of five; and one word
    logit = grams * 100 / np.sqrt(grams * 10) - 2
    assert classifier.score(["free"])[0, 1] == pytest.approx(1 / (1 + np.exp(-(0.2 * logit + 1))), rel=1e-6)


def test_no_texts_give_no_rows(classifier: Classifier) -> None:
    """An empty batch is not an error."""
    assert classifier.score([]).shape == (0, 2)


def test_an_empty_text_scores_as_the_bias_says(classifier: Classifier) -> None:
    """Without n-grams only bias and calibration speak."""
    assert classifier.score([""])[0].tolist() == pytest.approx([1 / (1 + np.exp(-0.6))] * 2)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ODD_TEXTS) | st.text(max_size=50), min_size=1, max_size=40), st.randoms())
def test_neighbours_change_no_bit(classifier: Classifier, texts: list[str], random: object) -> None:
    """A text has the same score alone, in a batch, and in the batch reversed."""
    together = classifier.score(texts)
    alone = np.concatenate([classifier.score([text]) for text in texts])
    assert together.tobytes() == alone.tobytes()
    assert classifier.score(texts[::-1])[::-1].tobytes() == together.tobytes()


def test_harm_anywhere_in_a_long_text_is_found(classifier: Classifier) -> None:
    """100,000 characters are read whole: one sentence at any place raises the score."""
    filler = "we talk about shoes and weather " * 3_125
    clean = classifier.score([filler])[0, 0]
    for place in (0, 49_990, WINDOW_CHARS - 10, len(filler)):
        text = filler[:place] + " casino " + filler[place:]
        assert classifier.score([text])[0, 0] > clean


def test_a_long_text_beside_short_ones_keeps_rows_apart(classifier: Classifier) -> None:
    """Windows are gathered back to their own text."""
    texts = ["shoes", "shoes " * 400 + "casino", "free", "y" * 2_500]
    together = classifier.score(texts)
    assert together.tobytes() == np.concatenate([classifier.score([text]) for text in texts]).tobytes()


@pytest.mark.parametrize("bias", [float("nan")])
def test_a_score_that_is_no_number_is_an_error(write_model: WriteModel, bias: float) -> None:
    """NaN never leaves the classifier as a score."""
    broken = load_classifier(write_model(content=tiny_graph(bias=bias)))
    with pytest.raises(ModelScoreError, match=r"model tiny: label gambling: the score nan is not a probability"):
        broken.score(["shoes"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.sampled_from(ODD_TEXTS) | st.text(alphabet=st.characters(exclude_categories=()), max_size=80))
def test_any_text_is_scored(classifier: Classifier, text: str) -> None:
    """Emoji, half surrogates, control characters: a score all the same."""
    assert np.isfinite(classifier.score([text])).all()
