"""`sluice backtest` as a pull request would run it: files in, a report out, and the gate's exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tests.ads import encode_ad, make_ad
from tests.integration.workers import ROOT, SLUICE
from tests.two_bundles import BASELINE, CANDIDATE

CASINO = {"headline": "A casino by the sea"}
GATE = """\
schema_version: 1
rules:
  - {name: calm, measure: rejected, slices: [market], at_least: 20, may_grow_points: 1}
"""


def _write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bundles, and ads of which the candidate rejects those of one market."""
    folder = tmp_path_factory.mktemp("backtest")
    _write(folder / "baseline", BASELINE)
    _write(folder / "candidate", CANDIDATE)
    ads = [make_ad(f"ad-{number}", market="GB" if number % 2 else "DE") for number in range(100)]
    for ad in ads[1:60:2]:
        ad["creative"] = CASINO
    (folder / "ads.jsonl").write_bytes(b"\n".join([*map(encode_ad, ads), b"{oops"]))
    pq.write_table(pa.Table.from_pylist([{"submission": encode_ad(ad)} for ad in ads]), folder / "ads.parquet")
    (folder / "gate.yaml").write_text(GATE)
    return folder


def _run(ground: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *SLUICE, "backtest", *arguments],
        cwd=ground, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def _read(path: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return fields


COMPARE = ("--bundle", "candidate", "--against", "baseline", "--ads", "ads.jsonl")


def test_a_broken_gate_ends_with_1_and_says_on_which_slice(ground: Path, tmp_path: Path) -> None:
    """Thirty of fifty ads in GB get rejected; DE keeps the rule. The report is written all the same."""
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    code, told, error = _run(
        ground, *COMPARE, "--gate", "gate.yaml", "--json", str(report), "--html", str(page), "--workers", "2"
    )
    assert (code, error) == (1, "")
    assert "FAILED calm: broken by 1 of 2 slices" in told
    assert "Market GB: Rejected: from 0.00 to 60.00 % of 50, +60.00 points" in told
    found = _read(report)
    assert not found["gate"]["passed"]
    assert found["ads"]["unreadable"] == {"not_json": 1}
    assert found["overall"]["moved"] == 30
    assert str(ground) not in report.read_text() + page.read_text(), "no path of this machine"


def test_a_kept_gate_ends_with_0(ground: Path) -> None:
    """A bundle against itself moves nothing, whatever the time."""
    options = ("--bundle", "baseline", "--against", "baseline", "--ads", "ads.parquet", "--workers", "1")
    code, told, error = _run(ground, *options, "--gate", "gate.yaml", "--as-of", "2027-01-01T00:00:00Z")
    assert (code, error) == (0, "")
    assert "Gate: passed" in told
    assert "Moved ads: 0 of 100" in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            ("--ads", "none.jsonl"),
            "sluice: none.jsonl: No such file or directory; name a file of JSON Lines or Parquet",
        ),
        (("--verdicts", "none.jsonl"), "sluice: none.jsonl: No such file or directory; name a file of JSON Lines"),
        (("--gate", "none.yaml"), "sluice: none.yaml: No such file or directory; name a file of YAML"),
        (("--json", "no/folder/report.json"), "sluice: no/folder/report.json: No such file or directory; name a file"),
        (("--as-of", "2027-01-01T00:00:00"), "sluice: --as-of 2027-01-01T00:00:00 has no zone; write it as"),
        (("--review-minutes", "soon"), "sluice: --review-minutes 'soon' is no time; write '2', or '2,gambling=4.5'"),
        (("--workers", "0"), "sluice: --workers 0: give at least 1"),
    ],
)
def test_what_was_mistyped_is_told_in_one_line(ground: Path, changes: tuple[str, ...], told: str) -> None:
    """Exit code 2, the remedy on stderr, nothing on stdout, before any work."""
    options = [*COMPARE, *changes] if changes[0] != "--ads" else [*COMPARE[:-2], *changes]
    code, output, error = _run(ground, *options)
    assert (code, output) == (2, "")
    assert error.startswith(told)
    assert len(error.splitlines()) == 1


def test_a_gate_that_compares_needs_a_baseline(ground: Path) -> None:
    """Told before the ads are read."""
    code, _, error = _run(ground, "--bundle", "baseline", "--ads", "none.jsonl", "--gate", "gate.yaml")
    assert code == 2
    assert "name a baseline with --against" in error


def test_a_broken_bundle_is_told_with_its_places(ground: Path) -> None:
    """As `sluice strategy check` does."""
    broken = {**BASELINE, "default.yaml": BASELINE["default.yaml"].replace(b"scope:", b"scop:")}
    _write(ground / "broken", broken)
    code, _, error = _run(ground, "--bundle", "broken", "--ads", "ads.jsonl")
    assert code == 2
    assert "sluice: default.yaml:4:1: unknown field 'scop'" in error
