"""The card names every source that took part, and none that may not."""

import json
import tomllib
from pathlib import Path

import pytest

from models.card import CARD_NAME, VALIDATION_NAME, write_card
from models.data import EXCLUDED_SOURCES
from service.classifier.manifest import MANIFEST_NAME, read_manifest
from service.shipped import shipped_path

SOURCES = Path(__file__).resolve().parents[3] / "models" / "sources.toml"
SHIPPED = shipped_path("models/stage_a")


def test_no_listed_source_forbids_shipping() -> None:
    """The list of the shipped model's sources and the list of those left out have nothing in common."""
    listed = tomllib.loads(SOURCES.read_text("utf-8"))["source"]
    assert not EXCLUDED_SOURCES & {source["name"] for source in listed}
    assert not [source["name"] for source in listed if "NC" in source["licence"] or "ND" in source["licence"]]
    assert all(source["licence"] for source in listed)


def test_the_shipped_model_left_out_what_it_had_to() -> None:
    """The manifest records the sources that took no part."""
    assert set(read_manifest(SHIPPED).left_out_sources) == EXCLUDED_SOURCES


def test_the_shipped_card_is_of_the_shipped_model(tmp_path: Path) -> None:
    """The card beside the model is what the card's writer makes of the files beside it."""
    for path in SHIPPED.iterdir():
        if path.suffix == ".json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    write_card(tmp_path)
    written = (tmp_path / CARD_NAME).read_text("utf-8")
    assert written == (SHIPPED / CARD_NAME).read_text("utf-8")
    assert read_manifest(SHIPPED).sha256 in written
    assert "{{" not in written


@pytest.mark.parametrize(
    "changed", [{"normaliser_version": 99}, {"training_data": [{"name": "x", "sha256": "0" * 64}]}]
)
def test_figures_made_from_something_else_are_left_out(tmp_path: Path, changed: dict[str, object]) -> None:
    """A model made from new texts or readings does not boast of the old one's figures."""
    for name in (MANIFEST_NAME, VALIDATION_NAME):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    write_card(tmp_path)
    shown = (tmp_path / CARD_NAME).read_text("utf-8")
    manifest = json.loads((SHIPPED / MANIFEST_NAME).read_bytes()) | changed
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(manifest))
    write_card(tmp_path)
    assert "Not measured" not in shown
    assert (tmp_path / CARD_NAME).read_text("utf-8").count("Not measured") == 2
