"""Say what a stage of the classifier is.

Place in the flow: `Classifier` holds stages. Today there is one; a cascade adds dearer stages that see only the texts
the cheaper one is unsure of, and `moderate` keeps calling `Classifier.score`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """What speaks for a label: code points [start, end) of the text, and its part of the label's logit."""

    start: int
    end: int
    weight: float


class Stage(Protocol):
    """One model: normalised texts in, calibrated probabilities out."""

    @property
    def name(self) -> str:
        """The stage's name, as in its manifest."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The policies it scores, in the order of the columns."""
        ...

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give probabilities, shape (texts, labels); a row does not depend on the other texts, bit for bit."""
        ...

    def explain(self, text: str, label: str, k: int) -> list[Span]:
        """Give up to `k` spans of `text` that raise the label's score, the strongest first."""
        ...
