"""Write the model card: what the model is, where its texts come from, how well it does, where it must not be trusted.

Place in the flow: the last step of training, and of validation, which adds the figures from outside the training
sources.
"""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.classifier.manifest import Manifest, read_manifest

CARD_NAME = "MODEL_CARD.md"
VALIDATION_NAME = "validation.json"
_NOT_MEASURED = "Not measured for this training data and normaliser."
_SOURCES = Path(__file__).resolve().parent / "sources.toml"
_TEXT = Path(__file__).resolve().parent / "card_text.md"


def write_card(directory: Path) -> None:
    """Write the card of the model in `directory` from its manifest, its validation (if any) and the fixed text."""
    manifest = read_manifest(directory)
    validation = _read_validation(directory / VALIDATION_NAME, manifest)
    text = _TEXT.read_text("utf-8")
    for mark, table in (
        ("{{identity}}", _identity(manifest)),
        ("{{sources}}", _sources()),
        ("{{metrics}}", _metrics(manifest)),
        ("{{left_out}}", _left_out(validation)),
        ("{{commercial}}", _commercial(validation)),
    ):
        text = text.replace(mark, table)
    (directory / CARD_NAME).write_text(text, "utf-8")


def _read_validation(path: Path, manifest: Manifest) -> dict[str, Any] | None:
    """Read the figures from outside; None if there are none or they judge other data, features or readings."""
    if not path.exists():
        return None
    validation = json.loads(path.read_bytes())
    origin = manifest.model_dump(mode="json", include={"normaliser_version", "features", "training_data"})
    return validation if validation["made_from"] == origin else None


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _identity(manifest: Manifest) -> str:
    data = [(file.name, f"`{file.sha256}`") for file in manifest.training_data]
    return _table(
        ("what", "value"),
        [
            ("file", f"`{manifest.file}`"),
            ("SHA-256", f"`{manifest.sha256}`"),
            ("ONNX operator set", manifest.opset),
            ("normaliser version", manifest.normaliser_version),
            ("feature version", manifest.features.version),
            ("texts (training, calibration and test folds)", manifest.training_texts),
            *data,
        ],
    )


def _sources() -> str:
    listed = tomllib.loads(_SOURCES.read_text("utf-8"))["source"]
    return _table(("source", "languages", "what it is", "licence stated"), [tuple(entry.values()) for entry in listed])


def _metrics(manifest: Manifest) -> str:
    rows = []
    for label in manifest.labels:
        m = manifest.metrics[label]
        rows.append(
            (
                label,
                m.texts,
                m.positives,
                f"{m.auc:.3f}",
                f"{m.average_precision:.3f}",
                f"{m.recall_at_1pct_fpr:.3f}",
                f"{m.ece:.4f}",
            )
        )
    return _table(("policy", "texts", "positives", "AUC", "AP", "recall at 1 % FPR", "ECE"), rows)


def _left_out(validation: dict[str, Any] | None) -> str:
    if validation is None:
        return _NOT_MEASURED
    head = ("policy", "source left out", "positives", "negatives", "negatives from", "AUC", "recall at 1 % FPR")
    return _table(head, [tuple(row.values()) for row in validation["left_out"]])


def _commercial(validation: dict[str, Any] | None) -> str:
    if validation is None:
        return _NOT_MEASURED
    head = (
        "clean commercial texts of",
        "texts",
        "any ≥ 0.5",
        "any ≥ 0.9",
        "policy most often ≥ 0.5",
        "its share",
        "99th percentile of the highest",
    )
    return _table(head, [tuple(row.values()) for row in validation["commercial"]])
