"""Read a shipped model's manifest and refuse a file that does not match it.

Place in the flow: `load_classifier` calls `read_manifest` and `read_verified_model` once, at start. A model that was
cut, swapped, or trained with another normaliser or other features must stop the worker there: its scores would still
look like probabilities.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.classifier.features import BUCKETS, CHAR_SIZES, FEATURES_VERSION, WORD_SIZES
from service.classifier.windows import OVERLAP_CHARS, WINDOW_CHARS

MANIFEST_NAME = "manifest.json"
OPSET = 18  # the operator set that `models.export` writes and this code was tested with

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ModelError(Exception):
    """A model cannot be used or gave no usable result; the message names the place and the remedy."""


class ModelLoadError(ModelError):
    """A model's files are missing, unreadable or do not match each other or this code."""


class ModelScoreError(ModelError):
    """A model ran but its output cannot be trusted."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FeatureSpec(_Part):
    """What a model was trained on; equal to this code's, or its table and its calibration mean something else."""

    version: int
    char_sizes: tuple[int, ...]
    word_sizes: tuple[int, ...]
    buckets: int
    window_chars: int
    overlap_chars: int


class Calibration(_Part):
    """Platt's two numbers of a label, already folded into the graph: p = sigmoid(slope * logit + offset)."""

    slope: float = Field(gt=0)
    offset: float


class DataFile(_Part):
    """One file of training data, by name and hash."""

    name: str
    sha256: Sha256


class Metrics(_Part):
    """Figures of a label on held-out texts of the training sources; rates and areas lie in [0, 1]."""

    texts: int
    positives: int
    auc: float
    average_precision: float
    recall_at_1pct_fpr: float
    ece: float


class Manifest(_Part):
    """What a model directory claims about its model."""

    format_version: Literal[1]
    name: str
    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    sha256: Sha256
    opset: int
    labels: tuple[str, ...] = Field(min_length=1)
    normaliser_version: int
    features: FeatureSpec
    calibration_prior: float = Field(gt=0, lt=1)
    calibration: dict[str, Calibration]
    training_data: tuple[DataFile, ...] = Field(min_length=1)
    training_texts: int
    left_out_sources: tuple[str, ...]
    metrics: dict[str, Metrics]

    @model_validator(mode="after")
    def _agree_on_labels(self) -> "Manifest":
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels: a label occurs twice")
        for part in ("calibration", "metrics"):
            if set(getattr(self, part)) != set(self.labels):
                raise ValueError(f"{part}: its labels {sorted(getattr(self, part))} are not {sorted(self.labels)}")
        return self


def current_features() -> FeatureSpec:
    """Describe the features this code makes."""
    return FeatureSpec(
        version=FEATURES_VERSION,
        char_sizes=CHAR_SIZES,
        word_sizes=WORD_SIZES,
        buckets=BUCKETS,
        window_chars=WINDOW_CHARS,
        overlap_chars=OVERLAP_CHARS,
    )


def read_manifest(directory: Path) -> Manifest:
    """Read `directory`'s manifest.

    Raises:
        ModelLoadError: it is missing, unreadable, or not a manifest.

    """
    path = directory / MANIFEST_NAME
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelLoadError(
            f"{path}: cannot be read ({error.strerror}); point the model directory at one that `make model` wrote"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "manifest"
        raise ModelLoadError(
            f"{path}: {place}: {first['msg']} ({error.error_count()} problem(s) in all); "
            "restore the file that was shipped or run `make model`"
        ) from error


def check_fits_code(manifest: Manifest, directory: Path, normaliser_version: int) -> None:
    """Check that the model was made for this code's operator set, normaliser and features.

    Raises:
        ModelLoadError: it was not.

    """
    path = directory / MANIFEST_NAME
    for name, actual, expected in (
        ("opset", manifest.opset, OPSET),
        ("normaliser_version", manifest.normaliser_version, normaliser_version),
        ("features", manifest.features.model_dump(), current_features().model_dump()),
    ):
        if actual != expected:
            raise ModelLoadError(
                f"{path}: {name} is {actual}, this build needs {expected}; "
                "retrain with `make model` or install the build that the model was made with"
            )


def read_verified_model(manifest: Manifest, directory: Path) -> bytes:
    """Read the model's bytes and check their hash; the caller runs these bytes, not the file again.

    Raises:
        ModelLoadError: the file is missing or is not the one the manifest names.

    """
    path = directory / manifest.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelLoadError(
            f"{path}: cannot be read ({error.strerror}); restore the file that was shipped or run `make model`"
        ) from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != manifest.sha256:
        raise ModelLoadError(
            f"{path}: its SHA-256 is {actual}, {directory / MANIFEST_NAME} expects {manifest.sha256}; "
            "restore the pair that was shipped or run `make model`"
        )
    return content
