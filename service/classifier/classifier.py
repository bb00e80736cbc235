"""Load the shipped classifier and score texts with it: what the rest of the service calls.

Place in the flow: `bootstrap` loads it once, `moderate` hands over normalised texts and gets probabilities a policy.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.classifier.linear_stage import LinearStage
from service.classifier.manifest import (
    Manifest,
    ModelLoadError,
    check_fits_code,
    read_manifest,
    read_verified_model,
)
from service.classifier.session import LinearSession
from service.classifier.stage import Stage
from service.text.model_text import NORMALISER_VERSION


class Classifier:
    """The stages of one model directory, and what a decision must record of it."""

    def __init__(self, stage: Stage, model_hash: str) -> None:
        """Wrap a stage; `model_hash` is the SHA-256 of its file."""
        self._stage = stage
        self.name = stage.name
        self.labels = stage.labels
        self.model_hash = model_hash
        self.model_id = f"{stage.name}-{model_hash[:12]}"

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give calibrated probabilities of normalised texts, shape (texts, labels).

        A row is the same bit for bit whatever the other texts are. A text is read whole, in windows when it is long.

        Raises:
            ModelScoreError: the model gave something that is not a probability.

        """
        return self._stage.score(texts)


def load_classifier(directory: Path) -> Classifier:
    """Load and check the model of a directory.

    Raises:
        ModelLoadError: its files are missing, broken, do not match each other, or were made for another build.

    """
    manifest = read_manifest(directory)
    check_fits_code(manifest, directory, NORMALISER_VERSION)
    session = LinearSession(read_verified_model(manifest, directory), str(directory / manifest.file))
    _check_width(manifest, session, directory)
    return Classifier(LinearStage(manifest.name, manifest.labels, session), manifest.sha256)


def _check_width(manifest: Manifest, session: LinearSession, directory: Path) -> None:
    if session.label_count != len(manifest.labels):
        raise ModelLoadError(
            f"{directory / manifest.file}: it scores {session.label_count} labels, its manifest names "
            f"{len(manifest.labels)}; restore the pair that was shipped or run `make model`"
        )
