"""The requirements locks are whole, fresh and name no index."""

import re
import shutil
from pathlib import Path

import pytest

from deploy.lock import BUILD, DEV, RUN_TIME, stale_locks

ROOT = Path(__file__).resolve().parents[2]
LOCKS = (RUN_TIME, DEV, BUILD)


def _pins(name: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9][^ ]+==[^ ]+", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_each_requirement_is_pinned_and_hashed(name: str) -> None:
    """Every requirement is one version with hashes; there is no address in the file."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert requirements
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []
    assert re.findall(r"https?:|--index|--extra-index|--find-links|file:| @ ", text) == []


def test_what_runs_is_what_is_tested() -> None:
    """The run-time and the build lock hold versions of the development lock, from which the tests run."""
    assert _pins(RUN_TIME) <= _pins(DEV)
    assert _pins(BUILD) <= _pins(DEV)


def test_a_changed_dependency_makes_the_locks_stale(tmp_path: Path) -> None:
    """The locks of the checkout are fresh; after a change of pyproject.toml, or without a lock, they are not."""
    for name in ("pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
    assert stale_locks(tmp_path) == []
    (tmp_path / BUILD).unlink()
    assert stale_locks(tmp_path) == [BUILD]
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"aiohttp>=3.10"', '"aiohttp>=3.11"'))
    assert stale_locks(tmp_path) == [RUN_TIME, DEV, BUILD]


def test_other_changes_leave_the_locks_fresh(tmp_path: Path) -> None:
    """A linter's setting is no dependency."""
    for name in ("pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("line-length = 120", "line-length = 121"))
    assert stale_locks(tmp_path) == []
