"""The guard, with real workers of a wrong deployment: it stops them, a restart finds it, `sluice resume` clears it."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.ads import encode_ad, make_ad
from tests.integration.conftest import PARTITIONS, StartWorker
from tests.integration.failing_worker import MARK
from tests.integration.traffic import Answers, decode, read_answers, wait_for_answers
from tests.integration.workers import ROOT, SLUICE, WorkerProcess
from tests.kafka_broker import KafkaBroker

LIMITS = {"SLUICE_GUARD_MIN_ADS": "40", "SLUICE_CHUNK_RECORDS": "10"}
WRONG_BUILD = {**LIMITS, "SLUICE_BUILD_ID": "wrong"}


def _send(kafka: KafkaBroker, environment: Mapping[str, str], prefix: str, count: int, marked: range) -> None:
    records = []
    for number in range(count):
        ad = make_ad(f"{prefix}-{number}")
        if number in marked:
            ad["creative"] = {**ad["creative"], "headline": f"Running shoes, {MARK}"}
        records.append((ad["ad_id"].encode(), encode_ad(ad)))
    kafka.produce(environment["SLUICE_SUBMISSIONS_TOPIC"], records)


def _failed(answers: Answers) -> set[bytes | None]:
    """Return the keys of the ads that failed in moderation; each has to be a review that says so."""
    failed = set()
    for record in answers.decisions:
        decision = decode(record)
        if "moderation_failed" in decision["degraded"]:
            assert decision["outcome"] == "review"
            assert ("failure", "moderation_failed") in {(r["source"], r["id"]) for r in decision["reasons"]}
            failed.add(record.key)
        else:
            assert decision["outcome"] == "approve", "the ads of this test are harmless"
    return failed


def _resume(environment: Mapping[str, str]) -> str:
    ended = subprocess.run(
        [sys.executable, *SLUICE, "resume", "--by", "the test"],
        cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return ended.stdout


def _wait_tripped(worker: WorkerProcess) -> None:
    worker.wait_for_metric('sluice_tripped{cause="moderation_failed"}', 1)
    report = json.loads(worker.wait_for("/readyz", 503))
    assert any("are moderation failed, more than 20.0%" in reason for reason in report["reasons"]), report
    assert any("`sluice resume`" in reason for reason in report["reasons"])
    assert worker.get("/healthz")[0] == 200, "alive: a restart would mend nothing"


def test_a_wrong_deployment_stops_before_it_drains_the_input(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, tmp_path: Path
) -> None:
    """Few failures become reviews; too many trip the build, over restarts and rebalances, until somebody resumes it."""
    broken = tmp_path / "broken"
    broken.touch()
    program = ("-m", "tests.integration.failing_worker", str(broken))
    first = start_worker(WRONG_BUILD, program)
    first.wait_ready()

    _send(kafka, environment, "few", 100, marked=range(95, 100))
    answers = wait_for_answers(kafka, environment, [first])
    answers.require_one_each()
    assert _failed(answers) == {f"few-{number}".encode() for number in range(95, 100)}
    first.wait_for_metric("sluice_moderation_failed_total", 5)
    assert first.read_metric("sluice_tripped") == 0

    _send(kafka, environment, "many", 1_200, marked=range(1_200))
    _wait_tripped(first)
    time.sleep(2)
    stopped = read_answers(kafka, environment)
    assert len(stopped.by_place()) < 300, "it stopped soon after the share of failures exceeded the limit"
    time.sleep(3)
    assert read_answers(kafka, environment).by_place() == stopped.by_place(), "tripped, it answers nothing"

    assert first.stop(30) == 0, "a tripped worker can be stopped"
    first.start()
    _wait_tripped(first)
    second = start_worker(WRONG_BUILD, program)
    _wait_tripped(second)
    for worker in (first, second):
        worker.wait_for_metric("sluice_assigned_partitions", PARTITIONS / 2)
    assert read_answers(kafka, environment).by_place() == stopped.by_place(), "neither restart nor rebalance lets it go"

    other = start_worker({**LIMITS, "SLUICE_BUILD_ID": "right"})
    other.wait_ready()
    wait_for_answers(kafka, environment, [first, second, other], count=len(stopped.by_place()) + 100)
    for worker in (first, second):
        _wait_tripped(worker)
    assert other.stop(30) == 0
    mended = read_answers(kafka, environment)
    assert len(mended.by_place()) < len(mended.submissions), "the tripped build keeps its own partitions' ads waiting"
    assert _failed(mended) == _failed(stopped), "the other build's answers are no failures"

    broken.unlink()
    assert "Clearing the trip" in _resume(first.environment)
    for worker in (first, second):
        worker.wait_ready()
    answers = wait_for_answers(kafka, environment, [first, second])
    answers.require_one_each()
    assert _failed(answers) == _failed(stopped), "what waited was decided as it should be"
    for worker in (first, second):
        assert worker.read_metric("sluice_tripped") == 0
        assert worker.stop(30) == 0
    assert "is not tripped" in _resume(first.environment)
