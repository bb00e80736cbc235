"""Weights that balance sources, and rows as the shipped table computes them."""

import numpy as np
import pytest

from models.calibration import Platt
from models.export import build_graph, compute_plainly, quantise
from models.linear import balance, count_ngrams, cut, fit_idf, fit_policy, weigh
from service.classifier.features import BUCKETS, hash_ngrams
from service.classifier.session import LinearSession

TEXTS = ["free prize now", "win a free prize", "free casino prize", "shoes for sale", "a warm coat", "red shoes"] * 20
TRUTH = np.array([1, 1, 1, 0, 0, 0] * 20, dtype=np.int8)
SOURCES = np.array(["a", "b"] * 60)


def test_balance_counts_sources_by_their_root() -> None:
    """A source a hundred times larger weighs ten times as much, and the positives make up their share."""
    sources = np.array(["big"] * 100 + ["small"] + ["big"] * 101)
    truth = np.array([1] * 101 + [0] * 101, dtype=np.int8)
    weights = balance(sources, truth, positive_share=0.25)
    assert weights.sum() == pytest.approx(202)
    assert weights[truth == 1].sum() == pytest.approx(202 / 4)
    assert weights[:100].sum() == pytest.approx(10 * weights[100])


def test_rows_have_length_one() -> None:
    """A text's row is a unit vector; an empty text's row is empty."""
    counts = count_ngrams([*TEXTS, ""])
    rows = weigh(counts, fit_idf(counts))
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    assert lengths[:-1] == pytest.approx(np.ones(len(TEXTS)), rel=1e-5)
    assert lengths[-1] == 0


def test_an_ngram_that_all_texts_have_weighs_least() -> None:
    """The idf falls with the number of texts, and each step fits int8."""
    idf = fit_idf(count_ngrams(["free one", "free two", "free three"]))
    steps = idf.steps[hash_ngrams(["free"]).buckets]
    assert steps.max() < idf.steps[hash_ngrams(["two"]).buckets].max()
    assert idf.steps.min() >= 1


def test_a_long_text_has_its_highest_windows_logit() -> None:
    """Calibration sees a text as serving scores it: cut, and by its strongest piece."""
    idf = fit_idf(count_ngrams(TEXTS))
    weight = np.zeros(BUCKETS, np.float32)
    weight[hash_ngrams(["casino"]).buckets] = 1.0
    texts = ["casino", "shoes " * 300 + "casino", "shoes"]
    logits = cut(texts, idf).score(weight, -1.0)
    whole = weigh(count_ngrams(texts), idf) @ weight - 1.0
    assert logits[[0, 2]] == pytest.approx(whole[[0, 2]], abs=1e-6)
    assert logits[0] > logits[1] > logits[2]


def test_the_graph_computes_what_was_fitted() -> None:
    """From texts to the ONNX file: the same probabilities as numpy's, and close to the unrounded ones."""
    counts = count_ngrams(TEXTS)
    idf = fit_idf(counts)
    rows = weigh(counts, idf)
    weight, bias = fit_policy(rows, SOURCES, TRUTH, np.ones(len(TEXTS), np.bool_))
    platt = Platt(1.5, -0.5)
    linear = quantise(weight[None, :], np.array([bias], np.float32), idf, [platt])
    session = LinearSession(build_graph(linear), "a test's graph")
    scored = session.score(hash_ngrams(TEXTS), len(TEXTS))[:, 0]
    plain = [compute_plainly(linear, hash_ngrams([text]).buckets)[0] for text in TEXTS]
    assert scored == pytest.approx(plain, abs=1e-6)
    assert scored == pytest.approx(platt.apply((rows @ weight + bias).astype(np.float64)), abs=0.02)
    assert scored[TRUTH == 1].min() > scored[TRUTH == 0].max()


def test_the_same_numbers_give_the_same_file() -> None:
    """Nothing of the export is left to chance."""
    idf = fit_idf(count_ngrams(TEXTS))
    linear = quantise(np.ones((1, BUCKETS), np.float32), np.zeros(1, np.float32), idf, [Platt(1, 0)])
    assert build_graph(linear) == build_graph(linear)
