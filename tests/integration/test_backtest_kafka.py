"""Backtests of what lies in Kafka: live decisions come out the same, and a range of ads is the same every time."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.ads import encode_ad, make_ad, stream_ads
from tests.integration.conftest import StartWorker
from tests.integration.strategies import Strategist, write_strategies
from tests.integration.traffic import decode, read_answers, wait_for_answers
from tests.integration.workers import ROOT, SLUICE
from tests.kafka_broker import KafkaBroker

CASINO = {"headline": "Online casino: 200 free spins", "landing_url": "https://spins.example/bonus"}
BUNDLE = ROOT / "deploy" / "strategies"


def _run(environment: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *SLUICE, *arguments],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def _make_ads(count: int) -> list[tuple[bytes, bytes]]:
    casinos = [(b"c-%d" % number, encode_ad({**make_ad(f"c-{number}"), "creative": CASINO})) for number in range(count)]
    return [*stream_ads(count), *casinos]


def _read(path: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return fields


@pytest.fixture
def decided(kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker) -> dict[str, str]:
    """Let two workers decide ads of several kinds, and return their environment."""
    workers = [start_worker(), start_worker()]
    for worker in workers:
        worker.wait_ready(90)
    kafka.produce(environment["SLUICE_SUBMISSIONS_TOPIC"], _make_ads(200))
    wait_for_answers(kafka, environment, workers).require_one_each()
    for worker in workers:
        assert worker.stop(60) == 0
    return environment


def test_live_decisions_are_reproduced_without_a_difference(
    kafka: KafkaBroker, decided: dict[str, str], tmp_path: Path
) -> None:
    """All outcomes occur; each decision, read with its submission, comes out the same; a forged one is found."""
    result = tmp_path / "result.json"
    topic = decided["SLUICE_DECISIONS_TOPIC"]
    decisions = [json.loads(record.value or b"") for record in kafka.read(topic)]
    assert {one["outcome"] for one in decisions} == {"approve", "review", "reject"}
    assert len(decisions) == 380, "of 400 ads, 20 cannot be read"
    code, told, error = _run(decided, "reproduce", f"kafka:{topic}", "--json", str(result))
    assert (code, error) == (0, ""), told
    found = _read(result)
    assert found["answers"]["reproduced"] == 380
    assert found["largest_score_difference"] == 0.0
    assert found["differences"] == []

    forged = {**decisions[0], "outcome": "reject", "reasons": []}
    kafka.produce(topic, [(forged["ad_id"].encode(), json.dumps(forged).encode())])
    code, told, _ = _run(decided, "reproduce", f"kafka:{topic}")
    assert code == 1
    assert "1  differs" in told
    assert f"outcome reject is now {decisions[0]['outcome']}" in told


def test_a_range_of_a_topic_is_the_same_every_time(decided: dict[str, str], tmp_path: Path) -> None:
    """One or two processes, whole topics, offsets and times: the same bytes for the same ads."""
    topic = decided["SLUICE_SUBMISSIONS_TOPIC"]
    written = []
    for number, (ranged, workers) in enumerate(
        (("", "1"), ("@..", "2"), ("@0..1000000", "2"), ("@2020-01-01T00:00:00Z..", "1"))
    ):
        path, page = tmp_path / f"{number}.json", tmp_path / f"{number}.html"
        options = ["--json", str(path), "--html", str(page), "--workers", workers]
        source = f"kafka:{topic}{ranged}"
        code, _, error = _run(decided, "backtest", "--bundle", str(BUNDLE), "--ads", source, *options)
        assert code == 0, error
        written.append((path.read_bytes(), page.read_bytes()))
    assert len(set(written)) == 1
    report = json.loads(written[0][0])
    assert (report["ads"]["read"], report["ads"]["decided"]) == (400, 380)

    part = tmp_path / "part.json"
    source = f"kafka:{topic}@0:0,1:5..0:10,1:5,2:0,3:0"
    code, _, error = _run(decided, "backtest", "--bundle", str(BUNDLE), "--ads", source, "--json", str(part))
    assert code == 0, error
    assert _read(part)["ads"]["read"] == 10, "offsets 0 to 9 of partition 0 alone"


GAMES_TO_REVIEW = "  - {id: games, policy: gambling, when: ['ad.vertical == \"games\"'], action: review}\n"


def test_arms_and_blocks_of_published_bundles_are_reproduced(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, tmp_path: Path
) -> None:
    """Half the advertisers by a candidate, one of them blocked: bundles are found by the recorded hashes alone."""
    keys = tmp_path / "keys"
    environment.update({"SLUICE_STRATEGY_KEYS_DIR": str(keys), "SLUICE_IMAGE_BUNDLE": "never"})
    Strategist(environment).type("strategy", "keygen", "kim", "--to", keys)
    kim = Strategist(environment, keys / "kim.key")
    live, candidate = write_strategies(tmp_path / "v1", "1"), write_strategies(tmp_path / "v2", "2", GAMES_TO_REVIEW)
    kim.type("strategy", "publish", live, "--channel", "live", "--reason", "begin", "--no-wait")
    worker = start_worker()
    worker.wait_ready(120)
    kim.type("strategy", "publish", candidate, "--channel", "candidate", "--reason", "try it")
    kim.type("strategy", "rollout", "--percent", "50", "--reason", "half")
    blocked = ("block", "advertiser", "adv-3", "--for", "1h", "--reason", "now", "--policy", "spam")
    kim.type(*blocked)
    ads = [make_ad(f"ad-{number}", vertical="games", advertiser={"id": f"adv-{number % 50}"}) for number in range(200)]
    kafka.produce(environment["SLUICE_SUBMISSIONS_TOPIC"], [(ad["ad_id"].encode(), encode_ad(ad)) for ad in ads])
    wait_for_answers(kafka, environment, [worker], within_s=120).require_one_each()
    decisions = [decode(record) for record in read_answers(kafka, environment).decisions]
    assert {(one["arm"], one["outcome"]) for one in decisions} >= {("live", "approve"), ("candidate", "review")}
    assert sum(one["outcome"] == "reject" for one in decisions) == 4, "the blocked advertiser's ads"

    result = tmp_path / "result.json"
    code, told, error = _run(
        environment, "reproduce", f"kafka:{environment['SLUICE_DECISIONS_TOPIC']}", "--json", str(result)
    )
    assert code == 0, told + error
    assert _read(result)["answers"]["reproduced"] == 200

    (sha256,) = {one["bundle"]["sha256"] for one in decisions if one["arm"] == "candidate"}
    report = tmp_path / "report.json"
    source = f"kafka:{environment['SLUICE_SUBMISSIONS_TOPIC']}"
    options = ("--bundle", sha256[:12], "--against", "live", "--ads", source, "--json", str(report))
    code, told, error = _run(environment, "backtest", *options)
    assert code == 0, error
    assert _read(report)["moves"] == [{"before": "approve", "after": "review", "ads": 200}], "blocks are not applied"


def test_what_is_not_there_is_told_in_one_line(environment: dict[str, str]) -> None:
    """A topic, a partition, a bundle that nobody knows: exit code 2, the remedy, no traceback."""
    topic = environment["SLUICE_SUBMISSIONS_TOPIC"]
    for arguments, told in (
        (["--bundle", str(BUNDLE), "--ads", "kafka:no-such-topic"], "no-such-topic: the topic does not exist"),
        (["--bundle", str(BUNDLE), "--ads", f"kafka:{topic}@7:0.."], "has no partition 7"),
        (["--bundle", "abcdef123456", "--ads", f"kafka:{topic}"], "'abcdef123456' is no bundle that was published"),
        (["--bundle", str(BUNDLE), "--against", "live", "--ads", f"kafka:{topic}"], "there is no live bundle"),
    ):
        code, output, error = _run(environment, "backtest", *arguments)
        assert (code, output) == (2, "")
        assert told in error
        assert len(error.splitlines()) == 1
