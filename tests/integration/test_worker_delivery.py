"""Delivery by real workers that stop, die or lose their broker, and by input that was aborted."""

import json
import signal
import sys
import time
import uuid
from collections import defaultdict

from confluent_kafka import Producer

from tests.ads import encode_ad, make_ad, stream_ads
from tests.integration.conftest import PARTITIONS, StartWorker
from tests.integration.traffic import (
    decode,
    place_of,
    read_answers,
    steady_traffic,
    supervised,
    wait_for_answers,
)
from tests.kafka_broker import KafkaBroker

# A member that ends without leaving its group would hold its partitions for as long as this.
LONG_SESSION = {
    "SLUICE_SESSION_TIMEOUT_S": "300",
    "SLUICE_REQUEST_TIMEOUT_S": "300",
    "SLUICE_REBALANCE_TIMEOUT_S": "300",
}


def test_sigterm_under_load_drains_and_leaves(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker
) -> None:
    """Exit code 0, nothing lost or twice; the next worker gets the partitions although the session lasts minutes."""
    first = start_worker(LONG_SESSION)
    first.wait_ready()
    with steady_traffic(kafka, environment["SLUICE_SUBMISSIONS_TOPIC"], list(stream_ads(4_000))) as traffic:
        wait_for_answers(kafka, environment, [first], count=500)
        assert first.stop(60) == 0
        assert traffic.is_alive(), "it was stopped under load"
        second = start_worker(LONG_SESSION)
        second.wait_ready(60)
    wait_for_answers(kafka, environment, [first, second]).require_one_each()
    assert first.read_events("left_in_a_hurry") == first.read_events("failed") == []
    assert second.stop(60) == 0


def test_a_stop_in_the_midst_of_a_rebalance_leaves_the_group_too(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker
) -> None:
    """All workers of a group are often stopped at once: the last one's partitions must not wait for its session."""
    first, second = start_worker(LONG_SESSION), start_worker(LONG_SESSION)
    for worker in (first, second):
        worker.wait_for_metric("sluice_assigned_partitions", PARTITIONS / 2)
    assigned = len(second.read_events("assigned"))
    first.signal(signal.SIGTERM)
    until = time.monotonic() + 60
    while len(second.read_events("assigned")) == assigned and time.monotonic() < until:
        time.sleep(0.005)
    assert second.stop(60) == 0, "stopped as its new partitions came"
    assert first.wait() == 0
    for worker in (first, second):
        assert "Traceback" not in worker.read_log()
    third = start_worker(LONG_SESSION)
    kafka.produce(environment["SLUICE_SUBMISSIONS_TOPIC"], stream_ads(20))
    wait_for_answers(kafka, environment, [first, second, third]).require_one_each()


def test_a_broker_outage_costs_no_answer(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker
) -> None:
    """A restart and a power cut of the broker under load: decisions resume, each ad is answered once."""
    worker = start_worker()
    worker.wait_ready()
    topic = environment["SLUICE_SUBMISSIONS_TOPIC"]
    outages = {"restart": 0.0, "kill": 12.0}
    with supervised(worker):
        for name, down_s in outages.items():
            with steady_traffic(kafka, topic, list(stream_ads(2_000, name)), pause_s=0.4):
                wait_for_answers(kafka, environment, [worker], count=100)
                time.sleep(1)
                (kafka.stop if name == "restart" else kafka.kill)()
                time.sleep(down_s)
                started_s = time.monotonic()
                kafka.start()
                back_s = time.monotonic()
                answered = len(read_answers(kafka, environment).by_place())
                wait_for_answers(kafka, environment, [worker], count=answered + 1)
            up_s, resumed_s = back_s - started_s, time.monotonic() - back_s
            sys.stdout.write(f"{name}: the broker was up after {up_s:.1f} s, decisions came {resumed_s:.1f} s later\n")
        answers = wait_for_answers(kafka, environment, [worker], within_s=120)
    answers.require_one_each()
    assert len(worker.read_log().splitlines()) < 1_000, "an outage must not flood the log"


def test_at_least_once_loses_nothing_and_repeats_under_one_id(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker
) -> None:
    """Two kills under load: every submission has an answer, and all decisions on one submission have one id."""
    worker = start_worker({"SLUICE_DELIVERY": "at_least_once"})
    worker.wait_ready()
    with steady_traffic(kafka, environment["SLUICE_SUBMISSIONS_TOPIC"], list(stream_ads(3_000))) as traffic:
        for answered in (600, 1_200):
            wait_for_answers(kafka, environment, [worker], count=answered)
            worker.signal(signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL
            assert traffic.is_alive(), "it was killed under load"
            worker.start()
            worker.wait_ready()
    answers = wait_for_answers(kafka, environment, [worker])
    assert answers.by_place().keys() == {(record.partition, record.offset) for record in answers.submissions}
    ids = defaultdict(set)
    for record in answers.decisions:
        ids[place_of(record)].add(decode(record)["decision_id"])
    assert {len(found) for found in ids.values()} == {1}
    assert len({one for found in ids.values() for one in found}) == len(ids), "no two submissions share an id"
    assert worker.stop() == 0


def _send_transaction(kafka: KafkaBroker, topic: str, ads: list[bytes], *, commit: bool) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": f"{topic}-{uuid.uuid4()}"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for ad in ads:
        producer.produce(topic, encode_ad(make_ad(ad.decode())), ad, partition=0)
    producer.flush(30)
    (producer.commit_transaction if commit else producer.abort_transaction)(30)


def test_aborted_submissions_are_not_decided_and_markers_are_no_lag(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker
) -> None:
    """Only committed submissions are answered; with markers and aborted records last, nothing waits and all is well."""
    topic = environment["SLUICE_SUBMISSIONS_TOPIC"]
    worker = start_worker({"SLUICE_STALL_S": "10"})
    for number in range(3):
        _send_transaction(kafka, topic, [f"bad-{number}-{n}".encode() for n in range(30)], commit=False)
        _send_transaction(kafka, topic, [f"good-{number}-{n}".encode() for n in range(30)], commit=True)
    _send_transaction(kafka, topic, [f"bad-last-{n}".encode() for n in range(30)], commit=False)
    worker.wait_ready()
    answers = wait_for_answers(kafka, environment, [worker])
    answers.require_one_each()
    assert {record.key for record in answers.decisions} == {
        f"good-{number}-{n}".encode() for number in range(3) for n in range(30)
    }
    worker.wait_for_metric("sluice_lag_submissions", 0)
    time.sleep(12)  # longer than SLUICE_STALL_S: were a marker work, the worker would be stalled by now
    health = json.loads(worker.wait_for("/healthz", 200))
    assert health["details"]["excuses"] == []
    assert [partition for partition in health["partitions"] if partition["behind"] or partition["in_flight"]] == []
    assert worker.get("/readyz")[0] == 200
    assert worker.read_metric("sluice_lag_submissions") == 0
    assert worker.read_metric('sluice_transactions_total{result="aborted"}') == 0
    assert worker.read_metric("sluice_submissions_total") == 90
