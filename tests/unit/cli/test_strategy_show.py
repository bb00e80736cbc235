"""The command `sluice strategy show`: the values that apply, each with its place."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.cli.strategy_show import show
from tests.layered import write_layered


def run(folder: Path, *, at: datetime | None = None, as_json: bool = False) -> int:
    return show(vertical="gambling", market="GB", product="feed", bundle=str(folder), at=at, as_json=as_json)


def test_each_value_stands_beside_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A threshold's two fields may come from two files, and so may a rule's."""
    assert run(write_layered(tmp_path)) == 0
    text = capsys.readouterr().out
    assert "    approve_below: 0.5  gb.yaml:6:29\n    reject_above: 0.9  default.yaml:6:48\n" in text
    assert "    action: review  gb.yaml:12:13\n" in text
    assert '    match: {"terms": ["casino"]}  default.yaml:11:12\n' in text
    assert '    when:  gb.yaml:15:11\n      - ad.product == "feed"\n' in text
    assert "    review_sla_minutes: 30  gb.yaml:8:34\n" in text
    assert "  young\n    enabled: false  gb.yaml:18:14\n" in text
    assert text.index("  gb  ") < text.index("  default  ")


def test_json_holds_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: sections, names, fields, values, strategies, places."""
    assert run(write_layered(tmp_path), as_json=True) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [strategy["id"] for strategy in shown["strategies"]] == ["gb", "default"]
    below = next(value for value in shown["values"] if value["field"] == "approve_below")
    assert below == {
        "section": "thresholds", "name": "gambling", "field": "approve_below", "value": 0.5, "strategy": "gb",
        "where": "gb.yaml:6:29",
    }  # fmt: skip


def test_it_shows_another_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a strategy is effective, the broader one's values apply."""
    assert run(write_layered(tmp_path), at=datetime(2025, 1, 1, tzinfo=UTC)) == 0
    assert "approve_below: 0.4  default.yaml:6:29" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda f: show(vertical="x", market="UK", product="y", bundle=f), "an ISO 3166-1 code; did you mean 'GB'?"),
        (lambda f: run(Path(f), at=datetime(2026, 1, 1)), "has no zone"),  # noqa: DTZ001 - the mistake
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_one_line(
    ask: Callable[[str], int], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake in the question is named with its remedy; exit code 2."""
    assert ask(str(write_layered(tmp_path))) == 2
    assert told in capsys.readouterr().err


def test_a_broken_bundle_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle that cannot be used is named with its mistakes."""
    folder = write_layered(tmp_path)
    (folder / "default.yaml").unlink()
    assert run(folder) == 2
    assert "no strategy covers every ad" in capsys.readouterr().err
