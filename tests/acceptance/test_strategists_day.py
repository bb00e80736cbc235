"""The README's day of a strategist, from the idea to the rollback, on a real Kafka with a real worker."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from loadtests.ads import READABLE, make_ads
from tests.acceptance.readme import run_example
from tests.integration.workers import ROOT, WorkerProcess
from tests.kafka_broker import KafkaBroker


def test_a_strategists_day(kafka: KafkaBroker, tmp_path: Path) -> None:
    """From the idea to the rollback as the README tells it: keys, two people, check, backtest, rollout, back."""
    apply = [sys.executable, "-m", "service", "topics", "apply", "--replication", "1"]
    subprocess.run(apply, cwd=ROOT, env={**os.environ, "SLUICE_BROKERS": kafka.bootstrap}, check=True, timeout=60)
    scratch = ROOT / ".run" / "day"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    run_example("day-keys", kafka.bootstrap)
    environment = {
        "SLUICE_BROKERS": kafka.bootstrap,
        "SLUICE_GROUP": "day",
        "SLUICE_STRATEGY_KEYS_DIR": str(scratch / "keys"),
    }
    ads = make_ads(1_000, datetime.now(UTC), READABLE)
    kafka.produce("ads.submissions", [(json.loads(ad)["ad_id"].encode(), ad) for ad in ads])
    process = WorkerProcess(environment, tmp_path / "worker.log")
    process.start()
    try:
        process.wait_ready()
        assert "signed by kim, lee: publish" in run_example("day-first", kafka.bootstrap)
        printed = run_example("day", kafka.bootstrap)
    finally:
        process.end()
    assert "ok: no errors, no warnings" in printed
    assert "+ strategy retail-us" in printed
    assert "phishing  review → reject" in printed
    assert printed.count("1 of 1 live workers run by it") == 5
    assert "roll back to" in printed.splitlines()[-1]
    assert "<svg" in (scratch / "report.html").read_text(encoding="utf-8")
