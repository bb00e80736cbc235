"""Delivery on a real Kafka: whatever happens to the workers, a reader sees every answer exactly once."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ads import stream_ads
from tests.integration.workers import WorkerProcess
from tests.kafka_broker import KafkaBroker

ADS = 20_000


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[list[WorkerProcess]]:
    pair = [WorkerProcess(environment, tmp_path / f"worker-{number}.log") for number in range(2)]
    try:
        for worker in pair:
            worker.start()
        for worker in pair:
            worker.wait_ready()
        yield pair
    finally:
        for worker in pair:
            worker.end()


def _send_steadily(kafka: KafkaBroker, topic: str) -> None:
    ads = list(stream_ads(ADS))
    for start in range(0, ADS, 250):
        kafka.produce(topic, ads[start : start + 250])
        time.sleep(0.2)


def _supervise(workers: list[WorkerProcess], done: threading.Event) -> None:
    while not done.wait(0.3):
        for worker in workers:
            worker.restart_if_ended()


def test_each_ad_is_answered_once_over_kills_and_a_freeze(
    kafka: KafkaBroker, environment: dict[str, str], workers: list[WorkerProcess]
) -> None:
    """20,000 ads, two workers, two SIGKILLs, one freeze past the session timeout: nothing is lost, nothing twice."""
    sender = threading.Thread(target=_send_steadily, args=(kafka, environment["SLUICE_SUBMISSIONS_TOPIC"]))
    done = threading.Event()
    supervisor = threading.Thread(target=_supervise, args=(workers, done))
    sender.start()
    supervisor.start()
    try:
        for worker in workers:
            time.sleep(3)
            worker.signal(signal.SIGKILL)
        frozen = workers[0]
        frozen.wait_ready()  # it must own partitions, or it is no zombie when it wakes
        before = frozen.process.pid
        frozen.signal(signal.SIGSTOP)
        time.sleep(10)  # longer than the session: the group goes on without it, and it comes back as a zombie
        frozen.signal(signal.SIGCONT)
        sender.join()
        try:
            kafka.read_until(environment["SLUICE_DECISIONS_TOPIC"], ADS * 9 // 10, within_s=90)
        except TimeoutError as error:
            raise AssertionError("\n".join([str(error), *(worker.get("/healthz")[1] for worker in workers)])) from None
        time.sleep(3)  # whatever would come twice has come by now
    finally:
        sender.join()
        done.set()
        supervisor.join()
    assert "left_in_a_hurry" in frozen.read_log() or "failed" in frozen.read_log() or frozen.process.pid != before
    decisions = kafka.read(environment["SLUICE_DECISIONS_TOPIC"])
    tasks = kafka.read(environment["SLUICE_REVIEW_TASKS_TOPIC"])
    letters = kafka.read(environment["SLUICE_DEAD_LETTERS_TOPIC"])

    expected = {key for key, _ in stream_ads(ADS)}
    unreadable = {key for number, (key, _) in enumerate(stream_ads(ADS)) if number % 10 == 5}
    uncertain = {key for number, (key, _) in enumerate(stream_ads(ADS)) if number % 10 in (3, 7)}
    assert Counter(record.key for record in decisions) == Counter(expected - unreadable)
    assert Counter(record.key for record in tasks) == Counter(uncertain)
    assert Counter(record.key for record in letters) == Counter(unreadable)
    ids = Counter(json.loads(record.value or b"")["decision_id"] for record in decisions)
    assert set(ids.values()) == {1}
    for record in decisions:
        origin = json.loads(record.value or b"")["origin"]
        assert record.partition == origin["partition"], "an output lies on its input's partition"
