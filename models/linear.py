"""Fit one logistic regression a policy on hashed n-grams, with sources balanced.

Place in the flow: between `models.data` and `models.export`. The rows are TF-IDF with one count a text and length 1;
the idf is rounded first, to what the shipped int8 table can hold, so that training sees exactly what serving
computes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from models.data import UNKNOWN
from service.classifier.features import BUCKETS, hash_ngrams
from service.classifier.windows import cut_windows

CHUNK = 512
IDF_STEPS = 127
STRENGTH = 1.0  # sklearn's C
ITERATIONS = 100

Rows: TypeAlias = Any  # scipy.sparse.csr_matrix; scipy ships no types


@dataclass(frozen=True, slots=True)
class Idf:
    """Squared idf a bucket, in whole steps: squared idf = steps * unit; steps of shape (BUCKETS,)."""

    steps: NDArray[np.int8]
    unit: float


@dataclass(frozen=True, slots=True)
class Windows:
    """Texts as serving reads them: TF-IDF `rows` of all windows, and each text's `first` one, shape (texts,)."""

    rows: Rows
    first: NDArray[np.int64]

    def score(self, weight: NDArray[np.float32], bias: float) -> NDArray[np.float64]:
        """Give each text's logit: the highest of its windows', shape (texts,)."""
        highest: NDArray[np.float64] = np.maximum.reduceat((self.rows @ weight).astype(np.float64), self.first) + bias
        return highest


def cut(texts: Sequence[str], idf: Idf) -> Windows:
    """Cut normalised texts into windows and hash them."""
    windows = cut_windows(texts)
    first = np.flatnonzero(np.diff([window.owner for window in windows], prepend=-1))
    pieces = [texts[window.owner][window.start : window.end] for window in windows]
    return Windows(weigh(count_ngrams(pieces), idf), first)


def count_ngrams(texts: Sequence[str]) -> Rows:
    """Mark which n-grams occur in which normalised text: a matrix of ones, shape (n, BUCKETS)."""
    buckets, sizes = [], []
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        found = hash_ngrams(chunk)
        buckets.append(found.buckets)
        sizes.append(np.bincount(found.rows, minlength=len(chunk)))
    ends = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    columns = np.concatenate(buckets)
    return sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape=(len(texts), BUCKETS))


def fit_idf(counts: Rows) -> Idf:
    """Fit the idf, log(n / texts with it) + 1, and round its square to IDF_STEPS steps."""
    seen = np.bincount(counts.indices, minlength=BUCKETS)
    squared = (np.log((1 + counts.shape[0]) / (1 + seen)) + 1) ** 2
    unit = float(np.float32(squared.max() / IDF_STEPS))
    return Idf(np.clip(np.rint(squared / unit), 1, IDF_STEPS).astype(np.int8), unit)


def weigh(counts: Rows, idf: Idf) -> Rows:
    """Turn marks into TF-IDF rows of length 1."""
    squared = idf.steps[counts.indices].astype(np.float32) * np.float32(idf.unit)
    totals = np.add.reduceat(np.append(squared, np.float32(0)), counts.indptr[:-1])
    sizes = np.diff(counts.indptr)
    norms = np.sqrt(np.where(sizes > 0, totals, 1)).astype(np.float32)
    values = np.sqrt(squared) / np.repeat(norms, sizes)
    return sparse.csr_matrix((values.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)


def balance(sources: NDArray[np.str_], truth: NDArray[np.int8], positive_share: float) -> NDArray[np.float64]:
    """Weigh texts so that a class's sources count by the root of their size and the positives make up a share.

    The weights are of shape (n,) and sum to n. Without them a policy learns the style of its largest source.
    """
    weights = np.zeros(len(truth))
    for value, share in ((1, positive_share), (0, 1 - positive_share)):
        names, cells = np.unique(sources[truth == value], return_inverse=True)
        if len(names):
            sizes = np.bincount(cells)
            mass = np.sqrt(sizes) / np.sqrt(sizes).sum()
            weights[truth == value] = (share * mass / sizes)[cells]
    normed: NDArray[np.float64] = weights / weights.sum() * len(truth)
    return normed


def fit_policy(
    rows: Rows, sources: NDArray[np.str_], truth: NDArray[np.int8], chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], float]:
    """Fit one policy on the chosen texts whose label is known: the weights, shape (BUCKETS,), and the bias."""
    known = chosen & (truth != UNKNOWN)
    weights = balance(sources[known], truth[known], positive_share=0.5)
    model = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS, tol=1e-4)
    model.fit(rows[known], truth[known], sample_weight=weights)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])
