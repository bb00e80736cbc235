"""Stage A: hashed n-grams, one linear layer, Platt's calibration.

Place in the flow: the first (today the only) stage of `Classifier`. The table's entries are whole numbers, so the
sums are exact in float32 whatever their order: a text scores the same alone and among any neighbours.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.classifier.features import hash_ngrams
from service.classifier.manifest import ModelScoreError
from service.classifier.session import LinearSession
from service.classifier.windows import Window, cut_windows, gather_runs


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
