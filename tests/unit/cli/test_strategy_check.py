"""The command `sluice strategy check`: what it prints, and how it ends."""

import json
import shutil
from pathlib import Path

import pytest

from service.cli.strategy_check import check

GOLDEN = Path(__file__).parents[2] / "golden" / "mistakes"


def _copy(tmp_path: Path, case: str) -> Path:
    """Return a folder with the base bundle and a case of it."""
    folder = tmp_path / "bundle"
    shutil.copytree(GOLDEN / "base", folder)
    shutil.copytree(GOLDEN / "cases" / case, folder, dirs_exist_ok=True)
    return folder


def test_a_bundle_in_order_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 0."""
    assert check(GOLDEN / "base", model=False) == 0
    assert capsys.readouterr().out.startswith("ok: no errors, no warnings, 2 tests passed, ")


def test_mistakes_end_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them in the order of files and lines, as loading prints them; then the summary."""
    assert check(_copy(tmp_path, "several_mistakes_at_once"), model=False) == 1
    lines = capsys.readouterr().out.splitlines()
    expected = (GOLDEN / "cases" / "several_mistakes_at_once" / "expected.txt").read_text().splitlines()
    assert lines == expected


def test_warnings_fail_only_a_strict_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A list that nothing uses may wait, unless one asks."""
    folder = _copy(tmp_path, "unused_list")
    assert check(folder, model=False) == 0
    assert check(folder, model=False, strict=True) == 1
    assert "warning: no rule uses the list 'poker'" in capsys.readouterr().out


def test_json_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways to ask for it give it."""
    folder = _copy(tmp_path, "never_fires")
    assert check(folder, model=False, as_json=True) == 1
    first = json.loads(capsys.readouterr().out)
    assert check(folder, model=False, form="json") == 1
    second = json.loads(capsys.readouterr().out)
    assert first["problems"] == second["problems"]
    assert first["problems"][0]["line"] == 10


def test_annotations_name_files_from_the_repository_s_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder as it was given stands before the file."""
    folder = _copy(tmp_path, "unused_list")
    assert check(folder, model=False, form="github") == 0
    assert capsys.readouterr().out.startswith(f"::warning file={folder}/lists/terms/poker.txt,line=1,col=1,title=")


def test_a_label_without_a_policy_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """With the model that ships, a bundle of two policies cannot decide an ad."""
    assert check(GOLDEN / "base") == 1
    (told, summary) = capsys.readouterr().out.splitlines()
    assert told.startswith("bundle.yaml:7:1: the classifier scores what is no policy: ")
    assert "no tests ran" in summary


@pytest.mark.parametrize("what", ["folder", "sample"])
def test_what_cannot_be_checked_ends_with_two(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing folder or a broken sample is told on stderr, in one line."""
    (tmp_path / "ads.jsonl").write_text("{}\n")
    if what == "folder":
        assert check(tmp_path / "gone", model=False) == 2
    else:
        assert check(GOLDEN / "base", model=False, sample=tmp_path / "ads.jsonl") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("sluice: ")
    assert printed.err.count("\n") == 1


def test_what_a_bundle_says_cannot_steer_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters of an entry are spelled out."""
    folder = _copy(tmp_path, "unused_list")
    (folder / "lists" / "hosts" / "blocked.txt").write_text("ev\x1b[2Jil example\n")
    assert check(folder, model=False) == 1
    assert r"ev\x1b[2Jil example" in capsys.readouterr().out
