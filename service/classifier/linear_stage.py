"""Stage A: hashed n-grams, one linear layer, Platt's calibration.

Place in the flow: the first (today the only) stage of `Classifier`. The table's entries are whole numbers, so the
sums are exact in float32 whatever their order: a text scores the same alone and among any neighbours.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.classifier.features import Occurrences, hash_ngrams, locate_ngrams
from service.classifier.manifest import ModelScoreError
from service.classifier.session import LinearSession
from service.classifier.stage import Span
from service.classifier.windows import Window, cut_windows, gather_runs

_CHUNK = re.compile(r"\S+")
_INNER = re.compile(r"\w(?:\S*\w)?")
_NO_BLANKS = re.compile("[\u3041-\u30ff\u3400-\u9fff]")  # kana and ideographs
_LONG_CHUNK = 24  # code points; longer ones are mostly writing without blanks and are narrowed to their strong part
_STRONG = 0.25  # of the strongest character


class LinearStage:
    """A stage over one open session."""

    def __init__(self, name: str, labels: tuple[str, ...], session: LinearSession) -> None:
        """Bind a session to its labels, in the order of its columns."""
        self.name = name
        self.labels = labels
        self._session = session

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give calibrated probabilities of normalised texts, shape (texts, labels); see `windows` for long ones.

        Raises:
            ModelScoreError: the graph gave something that is not a probability.

        """
        windows = cut_windows(texts)
        scores = self._score_windows(texts, windows)
        if len(windows) == len(texts):
            return scores
        first = np.flatnonzero(np.diff([window.owner for window in windows], prepend=-1))
        highest: NDArray[np.float32] = np.maximum.reduceat(scores, first, axis=0)
        return highest

    def _score_windows(self, texts: Sequence[str], windows: Sequence[Window]) -> NDArray[np.float32]:
        runs = [self._score_run([texts[w.owner][w.start : w.end] for w in run]) for run in gather_runs(windows)]
        return np.concatenate(runs) if runs else np.empty((0, len(self.labels)), dtype=np.float32)

    def _score_run(self, texts: list[str]) -> NDArray[np.float32]:
        scores = self._session.score(hash_ngrams(texts), len(texts))
        sound = (scores >= 0) & (scores <= 1)  # false for NaN, too
        if not sound.all():
            column = int(np.flatnonzero(~sound.all(axis=0))[0])
            raise ModelScoreError(
                f"model {self.name}: label {self.labels[column]}: the score {scores[~sound][0]} is not a probability; "
                "the model file is broken though its hash fits: restore a release or run `make model`"
            )
        return scores

    def explain(self, text: str, label: str, k: int) -> list[Span]:
        """Give up to `k` spans of the normalised text that raise the label's logit, the strongest first.

        Each n-gram's weight is spread over its characters, and each word is given the sum over its own; of writing
        without blanks, its strong parts stand for words. Costs under 1 ms for a short text: call it on a hit.

        Raises:
            ValueError: the stage has no such label.

        """
        if label not in self.labels:
            raise ValueError(f"model {self.name} has no label {label!r}; it has {', '.join(self.labels)}")
        column = self.labels.index(label)
        offset, window = self._strongest_window(text, column)
        found = locate_ngrams(window)
        if len(found.buckets) == 0:
            return []
        strength = _spread(found, self._weigh(found)[:, column], len(window))
        spans = [
            Span(offset + start, offset + end, float(strength[start:end].sum()))
            for start, end in _cut_words(window, strength)
        ]
        return sorted((span for span in spans if span.weight > 0), key=lambda span: (-span.weight, span.start))[:k]

    def _strongest_window(self, text: str, column: int) -> tuple[int, str]:
        windows = cut_windows([text])
        strongest = windows[int(np.argmax(self._score_windows([text], windows)[:, column]))]
        return strongest.start, text[strongest.start : strongest.end]

    def _weigh(self, found: Occurrences) -> NDArray[np.float32]:
        """Weigh occurrences: an n-gram counts once a text, so its occurrences share its weight; shape (m, labels)."""
        _, which, counts = np.unique(found.buckets, return_inverse=True, return_counts=True)
        return np.divide(self._session.weigh(found.buckets), counts[which][:, None], dtype=np.float32)


def _spread(found: Occurrences, weights: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Spread each occurrence's weight evenly over its characters: strength a character, shape (length,)."""
    each = weights.astype(np.float64) / (found.ends - found.starts)
    steps = np.bincount(found.starts, each, length + 1) - np.bincount(found.ends, each, length + 1)
    strength: NDArray[np.float64] = np.cumsum(steps)[:length]
    return strength


def _cut_words(text: str, strength: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Cut a text into words; writing without blanks is cut to the runs of its strong characters."""
    limit = _STRONG * float(strength.max(initial=0.0))
    words = []
    for chunk in _CHUNK.finditer(text):
        start, end = chunk.span()
        if end - start > _LONG_CHUNK or _NO_BLANKS.search(chunk[0]):
            words += _find_strong(strength, start, end, limit)
        else:
            words.append(_trim(text, start, end))
    return words


def _find_strong(strength: NDArray[np.float64], start: int, end: int, limit: float) -> list[tuple[int, int]]:
    strong = np.concatenate([[False], strength[start:end] > limit, [False]])
    edges = (np.flatnonzero(np.diff(strong.astype(np.int8))) + start).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out punctuation at both ends, unless there is nothing else."""
    inner = _INNER.search(text, start, end)
    return inner.span() if inner else (start, end)
