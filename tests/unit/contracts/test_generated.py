"""Which generated files are written, and which are called stale."""

from pathlib import Path

import pytest

from service.contracts.generated import find_stale, render_all, write_all
from service.shipped import shipped_path

TOPICS = shipped_path("deploy/topics.yaml")


def test_rendering_is_deterministic() -> None:
    """The check compares texts; a set's order must not show."""
    assert render_all(TOPICS) == render_all(TOPICS)


def test_every_text_ends_with_one_line_break_and_has_no_trailing_space() -> None:
    """Editors and diffs leave the files alone."""
    for name, text in render_all(TOPICS).items():
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        assert all(line == line.rstrip() for line in text.splitlines()), name


def test_what_was_written_is_not_stale(tmp_path: Path) -> None:
    """Writing ends all complaints, and writing again changes nothing."""
    rendered = render_all(TOPICS)
    assert len(find_stale(tmp_path, rendered)) == len(rendered)
    assert write_all(tmp_path, rendered) == list(rendered)
    assert find_stale(tmp_path, rendered) == []
    assert write_all(tmp_path, rendered) == []


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("deploy/schemas/decision.schema.json", None, "is missing; run `sluice schemas`"),
        ("deploy/schemas/decision.schema.json", "{}\n", "is stale; run `sluice schemas`"),
        ("deploy/schemas/verdict.schema.json", "{}\n", "is not generated; delete it"),
    ],
)
def test_each_fault_is_named_with_its_remedy(tmp_path: Path, name: str, text: str | None, fault: str) -> None:
    """Missing, different, or left over from a contract that is gone."""
    rendered = render_all(TOPICS)
    write_all(tmp_path, rendered)
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert find_stale(tmp_path, rendered) == [f"{name} {fault}"]


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    """An untouched file keeps its time stamp."""
    rendered = render_all(TOPICS)
    write_all(tmp_path, rendered)
    (tmp_path / "deploy/schemas/asyncapi.yaml").write_text("stale", encoding="utf-8")
    assert write_all(tmp_path, rendered) == ["deploy/schemas/asyncapi.yaml"]


def test_a_topic_that_differs_shows_in_the_document(tmp_path: Path) -> None:
    """Names and partitions come from the topics' file."""
    changed = tmp_path / "topics.yaml"
    changed.write_text(TOPICS.read_text(encoding="utf-8").replace("ads.decisions", "eu.decisions"), encoding="utf-8")
    assert "address: eu.decisions\n" in render_all(changed)["deploy/schemas/asyncapi.yaml"]
