"""`sluice moderate`: ads from a file or a pipe are decided as the worker's own function decides them."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.answer import LiveBundle
from service.bootstrap import load_live_bundle
from service.contracts.decision import Origin
from service.contracts.reading import read_submission
from service.moderate import Received, moderate
from service.settings import load_settings
from tests.ads import encode_ad, make_ad, make_uncertain
from tests.integration.workers import ROOT, SLUICE

AS_OF = "2026-01-31T09:30:00+00:00"
CASINO = {"headline": "Online casino: 200 free spins", "landing_url": "https://spins.example/bonus"}
ADS = [
    encode_ad(make_ad("ad-1")),
    encode_ad(make_uncertain("ad-2")),
    encode_ad({**make_ad("ad-3"), "creative": CASINO}),
    *(encode_ad(make_ad(f"ad-{number}")) for number in range(4, 304)),  # more than one batch
]


@pytest.fixture(scope="module")
def bundle() -> LiveBundle:
    return load_live_bundle(load_settings({}))


def _run(*arguments: str, lines: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
    command = [sys.executable, *SLUICE, "moderate", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ, input=lines, capture_output=True, check=False)
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()], ended.stderr.decode()


def _decide(bundle: LiveBundle) -> list[dict[str, Any]]:
    as_of = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    received = [
        Received(read_submission(ad)[0], Origin(topic="file", partition=0, offset=number), as_of)
        for number, ad in enumerate(ADS)
    ]
    return [json.loads(result.decision.model_dump_json()) for result in moderate(received, bundle, as_of)]


def test_a_file_and_a_pipe_are_decided_by_the_workers_function(bundle: LiveBundle, tmp_path: Path) -> None:
    """Same decisions, a line each, in order; at one time of day they are the same again, ids included."""
    path = tmp_path / "ads.jsonl"
    path.write_bytes(b"\n".join(ADS))
    expected = _decide(bundle)
    assert [decision["outcome"] for decision in expected[:3]] == ["approve", "review", "reject"]
    assert _run(str(path), "--as-of", AS_OF) == (0, expected, "")
    assert _run("-", "--as-of", AS_OF, lines=b"\r\n".join(ADS) + b"\n") == (0, expected, "")


def test_lines_that_cannot_be_read_are_told_and_do_not_stop_the_others(tmp_path: Path) -> None:
    """Each with file, line number, class and remedy on stderr; empty lines count as lines; exit code 1."""
    path = tmp_path / "ads.jsonl"
    path.write_bytes(b"\n".join([ADS[0], b"", b"{oops", ADS[1], encode_ad(make_ad("x", market="XX")), b"\xff", ADS[2]]))
    code, decisions, told = _run(str(path), "--as-of", AS_OF)
    assert code == 1
    assert [(decision["ad_id"], decision["origin"]["offset"]) for decision in decisions] == [
        ("ad-1", 0), ("ad-2", 3), ("ad-3", 6),
    ]  # fmt: skip
    lines = told.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{path}:3: not_json: ")
    assert lines[1].startswith(f"{path}:5: invalid_field: market: 'XX'")
    assert lines[2].startswith(f"{path}:6: not_utf8: byte 0 is not UTF-8")


def test_what_was_mistyped_is_told_in_one_line(tmp_path: Path) -> None:
    """A file that is not there: exit code 2, the remedy on stderr, nothing on stdout."""
    missing = tmp_path / "ads.jsonl"
    code, decisions, told = _run(str(missing))
    assert (code, decisions) == (2, [])
    assert told == f"sluice: {missing}: No such file or directory; name a file of JSON Lines, or - for standard input\n"
