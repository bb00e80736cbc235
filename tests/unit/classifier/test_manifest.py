"""A model that does not match its manifest, or this build, is refused with the place and the remedy."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from service.classifier import ModelError, ModelLoadError, load_classifier
from service.classifier.manifest import current_features

WriteModel = Callable[..., Path]


def refuse(directory: Path) -> str:
    """Load a directory that must be refused; give the error's text."""
    with pytest.raises(ModelLoadError) as caught:
        load_classifier(directory)
    assert isinstance(caught.value, ModelError)
    return str(caught.value)


def test_a_sound_directory_loads(write_model: WriteModel) -> None:
    """The hash, the name and the labels of the manifest are the classifier's."""
    directory = write_model()
    classifier = load_classifier(directory)
    sha256 = json.loads((directory / "manifest.json").read_text())["sha256"]
    assert (classifier.name, classifier.labels, classifier.model_hash) == ("tiny", ("gambling", "spam"), sha256)
    assert classifier.model_id == f"tiny-{sha256[:12]}"


def test_one_changed_byte_is_found(write_model: WriteModel) -> None:
    """A model file that is not the manifest's is named with both hashes."""
    directory = write_model()
    content = bytearray((directory / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (directory / "model.onnx").write_bytes(content)
    error = refuse(directory)
    assert re.search(r"model\.onnx: its SHA-256 is [0-9a-f]{64}, .*manifest\.json expects [0-9a-f]{64}", error)
    assert "restore the pair that was shipped" in error


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_missing_file_is_named(write_model: WriteModel, name: str) -> None:
    """Either file missing stops the load."""
    directory = write_model()
    (directory / name).unlink()
    error = refuse(directory)
    assert str(directory / name) in error
    assert "No such file" in error
    assert "make model" in error


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("opset", 7, "opset is 7, this build needs 18"),
        ("normaliser_version", 0, "normaliser_version is 0, this build needs"),
        (
            "features",
            current_features().model_dump() | {"version": 99},
            "features is {'version': 99",
        ),
    ],
)
def test_a_model_for_another_build_is_refused(
    write_model: WriteModel, field: str, value: object, expected: str
) -> None:
    """The operator set, the normaliser and the features must be this build's."""
    error = refuse(write_model(**{field: value}))
    assert f"manifest.json: {expected}" in error
    assert "retrain with `make model`" in error


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"labels": ["gambling", "gambling"]}, "a label occurs twice"),
        ({"labels": ["gambling", "scam"]}, "calibration: its labels"),
        ({"metrics": {}}, "metrics: its labels"),
        ({"sha256": "abc"}, "sha256"),
        ({"file": "../../etc/passwd"}, "file"),
        ({"calibration_prior": 1.5}, "calibration_prior"),
        ({"format_version": 2}, "format_version"),
        ({"surprise": 1}, "surprise"),
        ({"labels": []}, "labels"),
    ],
)
def test_an_unsound_manifest_names_the_field(write_model: WriteModel, fields: dict[str, object], place: str) -> None:
    """A manifest that contradicts itself or the schema says where."""
    error = refuse(write_model(**fields))
    assert "manifest.json: " in error
    assert place in error
    assert "run `make model`" in error


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_manifest_that_is_not_json_is_refused(write_model: WriteModel, content: bytes) -> None:
    """Cut or foreign bytes give the same clear error."""
    directory = write_model()
    (directory / "manifest.json").write_bytes(content)
    assert "problem(s) in all" in refuse(directory)


def test_a_file_with_other_labels_than_the_manifest_is_refused(write_model: WriteModel) -> None:
    """The graph's width must be the number of labels, though all hashes fit."""
    part = {"slope": 1, "offset": 0}
    metrics = {"texts": 2, "positives": 1, "auc": 1, "average_precision": 1, "recall_at_1pct_fpr": 1, "ece": 0}
    labels = ("gambling", "spam", "scam")
    directory = write_model(
        labels=labels, calibration=dict.fromkeys(labels, part), metrics=dict.fromkeys(labels, metrics)
    )
    assert "scores 2 labels, its manifest names 3" in refuse(directory)


def test_bytes_that_are_no_graph_are_refused(write_model: WriteModel) -> None:
    """A file with the right hash that onnxruntime cannot open is named."""
    assert "model.onnx: onnxruntime cannot open it" in refuse(write_model(content=b"not a graph"))
