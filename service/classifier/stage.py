"""Say what a stage of the classifier is.

Place in the flow: `Classifier` holds stages. Today there is one; a cascade adds dearer stages that see only the texts
the cheaper one is unsure of, and `moderate` keeps calling `Classifier.score`.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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
