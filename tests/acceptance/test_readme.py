"""The README's examples, run as they stand there, with other people's tools, against a real Kafka and a real worker."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.readme import read_example, run_example
from tests.integration.workers import ROOT, WorkerProcess
from tests.kafka_broker import KafkaBroker


@pytest.fixture(scope="module")
def worker(kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    environment = {"SLUICE_BROKERS": kafka.bootstrap}
    apply = [sys.executable, "-m", "service", "topics", "apply", "--replication", "1"]
    subprocess.run(apply, cwd=ROOT, env={**os.environ, **environment}, check=True, timeout=60)
    process = WorkerProcess(environment, Path(tmp_path_factory.mktemp("worker")) / "worker.log")
    process.start()
    try:
        process.wait_ready()
        yield process
    finally:
        process.end()


def send_until_decided(kafka: KafkaBroker, example: str, ad_id: str) -> dict[str, object]:
    """Run the example, wait for the decision, and return it as the example's own reader prints it."""
    before = sum(record.key == ad_id.encode() for record in kafka.read("ads.decisions"))
    run_example(example, kafka.bootstrap)
    kafka.read_until("ads.decisions", before + 1)
    printed = run_example(example, kafka.bootstrap)
    decisions = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return next(decision for decision in decisions if decision["ad_id"] == ad_id)


def test_kcat_sends_a_submission_and_reads_its_decision(kafka: KafkaBroker, worker: WorkerProcess) -> None:
    """Debian's kcat, as the README shows: a casino ad without a licence is not approved, and the reasons say why."""
    decision = send_until_decided(kafka, "kcat", "ad-1")
    assert decision["outcome"] in {"reject", "review"}
    assert decision["reasons"]


def test_the_console_producer_sends_and_its_consumer_reads(kafka: KafkaBroker, worker: WorkerProcess) -> None:
    """Kafka's own Java tools, as the README shows: an ad for running shoes is approved."""
    decision = send_until_decided(kafka, "console", "ad-2")
    assert decision["outcome"] == "approve"


def test_the_submission_of_the_readme_is_decided(tmp_path: Path) -> None:
    """The README's example submission is one that Sluice reads."""
    line = json.dumps(json.loads(read_example("submission")))
    file = tmp_path / "ad.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    moderate = [sys.executable, "-m", "service", "moderate", str(file)]
    done = subprocess.run(moderate, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["ad_id"] == "ad-1"


def test_promtool_accepts_the_metrics(kafka: KafkaBroker, worker: WorkerProcess) -> None:
    """Prometheus' own linter has nothing to say about the page of a worker that has decided."""
    send_until_decided(kafka, "kcat", "ad-1")
    status, page = worker.get("/metrics")
    assert status == 200
    assert "sluice_decisions_total" in page
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
