"""Small models for the tests: written by the exporter that writes the shipped one."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest

from models.export import Linear, build_graph
from service.classifier.features import BUCKETS, hash_ngrams
from service.classifier.manifest import OPSET, current_features
from service.classifier.session import WIDTH
from service.text.model_text import NORMALISER_VERSION

LABELS = ("gambling", "spam")
WriteModel = Callable[..., Path]


def tiny_graph(bias: float = -2.0) -> bytes:
    """Build a graph in which the n-grams of "casino" speak for gambling, those of "free" for spam."""
    table = np.zeros((BUCKETS, WIDTH), dtype=np.int8)
    table[:, -1] = 10
    for column, word in enumerate(("casino", "free")):
        table[hash_ngrams([word]).buckets, column] = 100
    scales = np.ones(WIDTH, np.float32)
    ones = np.ones(len(LABELS), np.float32)
    return build_graph(Linear(table, scales, np.full(len(LABELS), bias, np.float32), ones * 0.2, ones))


@pytest.fixture
def write_model(tmp_path: Path) -> WriteModel:
    """Write a model directory; keywords replace fields of its manifest."""

    def write(content: bytes | None = None, **fields: object) -> Path:
        graph = tiny_graph() if content is None else content
        (tmp_path / "model.onnx").write_bytes(graph)
        metrics = {
            "texts": 2, "positives": 1, "auc": 1, "average_precision": 1, "recall_at_1pct_fpr": 1, "ece": 0
        }  # fmt: skip
        manifest = {
            "format_version": 1,
            "name": "tiny",
            "file": "model.onnx",
            "sha256": hashlib.sha256(graph).hexdigest(),
            "opset": OPSET,
            "labels": LABELS,
            "normaliser_version": NORMALISER_VERSION,
            "features": current_features().model_dump(),
            "calibration_prior": 0.05,
            "calibration": {label: {"slope": 0.2, "offset": 1} for label in LABELS},
            "training_data": [{"name": "texts", "sha256": "0" * 64}],
            "training_texts": 2,
            "left_out_sources": [],
            "metrics": dict.fromkeys(LABELS, metrics),
        } | fields
        (tmp_path / "manifest.json").write_bytes(orjson.dumps(manifest))
        return tmp_path

    return write
