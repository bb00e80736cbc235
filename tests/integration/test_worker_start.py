"""What a worker checks before it works: topics, model, strategies, settings; and a broker that is not there yet."""

import json
import shutil
from pathlib import Path

from service.shipped import shipped_path
from tests.ads import encode_ad, make_ad
from tests.integration.conftest import PARTITIONS, StartWorker
from tests.integration.traffic import wait_for_answers
from tests.integration.workers import WorkerProcess
from tests.kafka_broker import KafkaBroker

MISDEPLOYED = 2


def _ends_misdeployed(*workers: WorkerProcess) -> list[str]:
    codes = [worker.wait(60) for worker in workers]
    logs = [worker.read_log() for worker in workers]
    assert codes == [MISDEPLOYED] * len(workers), "\n".join(logs)
    assert not [log for log in logs if "Traceback" in log]
    return logs


def test_each_unusable_topic_is_told_with_its_remedy(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker
) -> None:
    """Missing, of another partition count, too small: all are named at once, and the worker does not join."""
    submissions, small = environment["SLUICE_SUBMISSIONS_TOPIC"], environment["SLUICE_DEAD_LETTERS_TOPIC"]
    missing, uneven = f"{submissions}.missing", f"{submissions}.uneven"
    kafka.create_topics(uneven, partitions=PARTITIONS + 1, config={"max.message.bytes": "8388608"})
    worker = start_worker(
        {
            "SLUICE_TOPICS_CHECK": "full",
            "SLUICE_DECISIONS_TOPIC": missing,
            "SLUICE_REVIEW_TASKS_TOPIC": uneven,
        }
    )
    _ends_misdeployed(worker)
    told = {event["message"].split(":")[0]: event["message"] for event in worker.read_events("topic_fault")}
    assert told[missing] == (
        f"{missing}: the topic does not exist; run `sluice topics apply`, or set SLUICE_DECISIONS_TOPIC"
    )
    assert f"it has {PARTITIONS + 1} partitions, its input {submissions} has {PARTITIONS}" in told[uneven]
    assert "its max.message.bytes is 1,048,588, less than the 2,097,152 of the topics' file" in told[small]
    for name in (uneven, small):
        assert "run `sluice topics apply`" in told[name]
    assert worker.read_events("assigned") == []


def test_what_was_deployed_wrongly_stops_the_worker_with_one_line_each(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    """A model with one byte changed, a strategy for a label that no model scores, a mistyped variable."""
    model = tmp_path / "model"
    shutil.copytree(shipped_path("models/stage_a"), model)
    content = bytearray((model / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (model / "model.onnx").write_bytes(content)
    strategies = tmp_path / "strategies"
    shutil.copytree(shipped_path("deploy/strategies"), strategies)
    text = (strategies / "default.yaml").read_text()
    assert "\n  gambling:" in text
    (strategies / "default.yaml").write_text(text.replace("\n  gambling:", "\n  gamblign:", 1))
    workers = (
        start_worker({"SLUICE_MODEL_DIR": str(model)}),
        start_worker({"SLUICE_STRATEGIES_DIR": str(strategies)}),
        start_worker({"SLUICE_CHUNK_RECORD": "100"}),
    )
    of_model, of_strategy, of_variable = _ends_misdeployed(*workers)
    [event] = workers[0].read_events("deployment")
    assert f"{model / 'model.onnx'}: its SHA-256 is" in event["message"]
    assert "restore the pair that was shipped or run `make model`" in event["message"]
    assert "gamblign" in of_strategy
    assert "default.yaml:" in of_strategy
    assert of_variable == "sluice: SLUICE_CHUNK_RECORD is not a setting; did you mean SLUICE_CHUNK_RECORDS?\n"
    assert len(of_model.splitlines()) == 1


def test_a_worker_waits_for_its_broker(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker
) -> None:
    """Alive and not ready while nobody answers; it works as soon as the broker is there, and says so."""
    kafka.stop()
    worker = start_worker()
    worker.wait_for("/healthz", 200)
    report = json.loads(worker.wait_for("/readyz", 503))
    assert "the topics are not checked yet: no broker has answered so far" in report["reasons"]
    kafka.start()
    kafka.produce(environment["SLUICE_SUBMISSIONS_TOPIC"], [(b"ad-1", encode_ad(make_ad("ad-1")))])
    worker.wait_ready(60)
    wait_for_answers(kafka, environment, [worker]).require_one_each()
    assert len(worker.read_events("waiting_for_broker")) == 1, "told once, not at each attempt"
    assert worker.stop() == 0
