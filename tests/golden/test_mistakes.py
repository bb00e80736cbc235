"""Each kind of mistake that a bundle can hold, and word for word what `sluice strategy check` says of it."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.linting.check import check_bundle
from service.linting.fixed_scores import make_silent_classifier
from service.linting.rendering import write_lines, write_summary
from service.linting.sample import Sample, load_sample
from service.shipped import shipped_path
from service.strategy import read_folder

FOLDER = Path(__file__).with_name("mistakes")
CASES = sorted(path.name for path in (FOLDER / "cases").iterdir())
NOW = datetime(2026, 11, 20, tzinfo=UTC)
EXPECTED, REMOVED, GENERATED, LABELS = "expected.txt", "removed.txt", "generate.txt", "labels.txt"
WRITE = os.environ.get("WRITE_GOLDEN") == "1"


@pytest.fixture(scope="session")
def sample() -> Sample:
    """Return a part of the sample that ships: a hundred bundles are tried on it."""
    folder = shipped_path("deploy/sample")
    whole = load_sample(folder / "ads.jsonl", folder / "words.txt")
    return Sample(whole.ads[::5], whole.words)


def _read_case(name: str) -> dict[str, bytes]:
    """Return the base bundle's files with the case's over them."""
    folder = FOLDER / "cases" / name
    notes = {EXPECTED, REMOVED, GENERATED, LABELS}
    over = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in notes
    }
    files = {**read_folder(FOLDER / "base"), **over}
    if (folder / REMOVED).exists():
        for file in (folder / REMOVED).read_text().split():
            del files[file]
    if (folder / GENERATED).exists():
        file, count = (folder / GENERATED).read_text().split()
        files[file] = "".join(f"entry{number}\n" for number in range(int(count))).encode()
    return files


def _check(name: str, sample: Sample) -> str:
    labels = FOLDER / "cases" / name / LABELS
    classifier = make_silent_classifier(labels.read_text().split()) if labels.exists() else None
    report = check_bundle(_read_case(name), sample, classifier, NOW)
    lines = [text.plain for text in write_lines(report)] + [write_summary(report).plain]
    # How fast the machine is does not belong into a golden text.
    return re.sub(r"\d+\.\d+( of [\d.e-]+)? µs an ad", r"N\1 µs an ad", "\n".join(lines)) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_word_for_word(name: str, sample: Sample) -> None:
    """The whole output of the check, for a small bundle with this one mistake."""
    expected = FOLDER / "cases" / name / EXPECTED
    told = _check(name, sample)
    if WRITE:
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")


def test_the_base_bundle_holds_no_mistake(sample: Sample) -> None:
    """What the cases change is in order, so that what is told is told of the change."""
    report = check_bundle(read_folder(FOLDER / "base"), sample, None, NOW)
    assert (report.errors, report.warnings, report.failed_tests, report.tests) == ((), (), (), 2)


def test_many_kinds_of_mistakes_are_known() -> None:
    """At least thirty, as promised."""
    assert len(CASES) >= 30
