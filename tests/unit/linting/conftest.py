"""A small bundle in memory that a test may change, and what the check says of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.linting.check import check_bundle
from service.linting.report import Report
from service.linting.sample import Sample, load_sample
from service.shipped import shipped_path
from service.strategy import read_folder

NOW = datetime(2026, 11, 20, tzinfo=UTC)
BASE = Path(__file__).parents[2] / "golden" / "mistakes" / "base"
Change = tuple[str, str, str]
Check = Callable[..., Report]


@pytest.fixture(scope="session")
def sample() -> Sample:
    """Return a part of the sample that ships."""
    folder = shipped_path("deploy/sample")
    whole = load_sample(folder / "ads.jsonl", folder / "words.txt")
    return Sample(whole.ads[::7], whole.words[::3])


def change_base(*changes: Change, files: dict[str, str] | None = None) -> dict[str, bytes]:
    """Return the golden cases' base bundle with (file, old, new) changes, and files replaced or added."""
    contents = {name: content.decode() for name, content in read_folder(BASE).items()} | (files or {})
    for file, old, new in changes:
        assert old in contents[file]
        contents[file] = contents[file].replace(old, new, 1)
    return {name: content.encode() for name, content in contents.items()}


@pytest.fixture
def check(sample: Sample) -> Check:
    """Return the report on a changed base bundle, without the model."""
    return lambda *changes, **files: check_bundle(change_base(*changes, **files), sample, None, NOW)
