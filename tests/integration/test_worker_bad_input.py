"""Bad input through a real worker: each record gets one answer that names the field, and the worker goes on.

One worker answers all records of this module; each test looks at another side of what it left on Kafka and `/metrics`.
"""

import hashlib
import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from service.worker.dead_letter_record import read_headers
from tests.ads import encode_ad, make_ad, make_uncertain
from tests.integration.traffic import Answers, decode, place_of, wait_for_answers
from tests.integration.workers import ROOT, SLUICE, WorkerProcess, name_topics
from tests.kafka_broker import KafkaBroker, Record

PARTITIONS = 2
LARGEST_RECORD_BYTES = 16 * 1024 * 1024
SENT_HEADERS = [("trace", b"\xff\x00"), ("trace", None), ("sluice.errors.place", b"a sender's own")]


def _ad(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return make_ad("ad-x", **changes)


def _creative(**changes: str) -> bytes:
    return encode_ad(_ad(creative={**_ad()["creative"], **changes}))


@dataclass(frozen=True)
class Bad:
    """A record that becomes a dead letter: its value, the error's class, the place it names, words of its message."""

    value: bytes | None
    error: str
    place: str
    words: str


GOOD = encode_ad(_ad())
UNREADABLE = {
    "empty": Bad(b"", "empty", "value", "no value"),
    "tombstone": Bad(None, "empty", "value", "no value"),
    "latin1": Bad(GOOD.replace(b"Running", b"Caf\xe9"), "not_utf8", "byte ", "encode the JSON as UTF-8"),
    "utf16": Bad(GOOD.decode().encode("utf-16"), "not_utf8", "byte 0", "UTF-16"),
    "words": Bad(b"buy shoes", "not_json", "character 0", "not JSON"),
    "truncated": Bad(GOOD[:200], "not_json", "character ", "not JSON"),
    "list": Bad(b"[1]", "invalid_field", "value", "array"),
    "key twice": Bad(GOOD.replace(b'"rev', b'"revision": 2, "rev'), "duplicate_key", "revision", "twice"),
    "not a number": Bad(GOOD.replace(b"20.0", b"NaN"), "not_a_number", "character ", "NaN is not JSON"),
    "infinity": Bad(GOOD.replace(b"20.0", b"-Infinity"), "not_a_number", "character ", "-Infinity is not JSON"),
    "deep": Bad(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too_deep", "character ", "nested deeper than 32"),
    "10 MB": Bad(_creative(transcript="x" * 10_000_000), "too_large", "value", "more than 1,048,576"),
    "long text": Bad(_creative(headline="x" * 501), "invalid_field", "creative.headline", "500"),
    "wrong type": Bad(encode_ad(_ad(revision="1")), "invalid_field", "revision", "integer"),
    "no field": Bad(encode_ad({"schema_version": 1, "ad_id": "ad-x"}), "invalid_field", "revision", "revision"),
    "half a pair": Bad(_creative(body="\ud800"), "invalid_field", "creative.body", "surrogate"),
    "unknown market": Bad(encode_ad(_ad(market="XX")), "invalid_field", "market", "'XX' is not an ISO 3166-1"),
    "no such time": Bad(encode_ad(_ad(submitted_at="9999-12-31T23:59-01:00")), "invalid_field", "submitted_at", "UTC"),
    "a number as time": Bad(encode_ad(_ad(submitted_at=1)), "invalid_field", "submitted_at", "RFC 3339"),
    "an empty id": Bad(encode_ad(make_ad("")), "invalid_field", "ad_id", "ad_id"),
    "huge integer": Bad(GOOD.replace(b"20.0", b"9" * 5_000), "invalid_field", "character ", "64 bits"),
}  # fmt: skip
READABLE = {
    "NUL": _creative(body="shoes\x00 and more"),
    "year 9999": encode_ad(_ad(submitted_at="9999-12-31T23:59:59Z")),
    "no browser": encode_ad(make_uncertain("ad-x")),
    "percent-encoded 200 times": _creative(landing_url="https://shop.example/%" + "25" * 200 + "41"),
    "unknown fields": encode_ad({**_ad(), "campaign": {"id": 1}, "creative": {**_ad()["creative"], "colour": "red"}}),
    "combining marks": _creative(body="a" + "\u0301" * 9_000),
    "another key": encode_ad(make_ad("ad-another")),
    "a clean ad": GOOD,
}


@dataclass(frozen=True)
class Answered:
    """What the worker left: sent values by name and place, answers, its metrics after all of them."""

    environment: Mapping[str, str]
    sent: Mapping[tuple[int, int], str]
    answers: Answers
    worker: WorkerProcess

    def letters(self) -> dict[str, Record]:
        return {self.sent[place_of(record)]: record for record in self.answers.dead_letters}

    def decisions(self) -> dict[str, Record]:
        return {self.sent[place_of(record)]: record for record in self.answers.decisions}


def _make_topics(kafka: KafkaBroker, environment: Mapping[str, str]) -> None:
    command = [sys.executable, *SLUICE, "topics", "apply", "--replication", "1", "--partitions", str(PARTITIONS)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    topic = environment["SLUICE_SUBMISSIONS_TOPIC"]
    limit = ConfigEntry("max.message.bytes", str(LARGEST_RECORD_BYTES), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[limit])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(30)


def _send(kafka: KafkaBroker, topic: str) -> dict[tuple[int, int], str]:
    places: dict[tuple[int, int], str] = {}
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "message.max.bytes": LARGEST_RECORD_BYTES})

    def send(name: str, value: bytes | None) -> None:
        def note(error: object, message: Any) -> None:  # noqa: ANN401 - librdkafka's message
            assert error is None, error
            places[message.partition(), message.offset()] = name

        # a partition by hand: each gets bad records between good ones
        partition = len(names) % PARTITIONS
        names.append(name)
        producer.produce(topic, value, b"ad-x", partition, note, headers=SENT_HEADERS)

    names: list[str] = []
    for name, value in ({n: bad.value for n, bad in UNREADABLE.items()} | READABLE).items():
        send(name, value)
    assert producer.flush(30) == 0
    assert len(places) == len(names)
    return places


@pytest.fixture(scope="module")
def answered(kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:
    """Send all records to one worker and wait for its answers."""
    kafka.start()
    name = f"bad-input-{uuid.uuid4().hex[:8]}"
    environment = {**name_topics(name), "SLUICE_BROKERS": kafka.bootstrap, "SLUICE_GROUP": name}
    environment["SLUICE_MONITOR_INTERVAL_S"] = "0.2"
    worker = WorkerProcess(environment, tmp_path_factory.mktemp("bad-input") / "worker.log")
    _make_topics(kafka, worker.environment)
    try:
        worker.start()
        worker.wait_ready()
        sent = _send(kafka, environment["SLUICE_SUBMISSIONS_TOPIC"])
        answers = wait_for_answers(kafka, environment, [worker])
        yield Answered(environment, sent, answers, worker)
    finally:
        worker.end()


def test_each_record_has_one_answer_and_the_worker_stays_ready(answered: Answered) -> None:
    """None is lost, none answered twice, and neither the process nor its partitions were given up on the way."""
    answered.answers.require_one_each()
    assert answered.letters().keys() == UNREADABLE.keys()
    assert answered.decisions().keys() == READABLE.keys()
    assert answered.worker.get("/readyz")[0] == 200
    assert answered.worker.get("/healthz")[0] == 200
    assert len(answered.worker.read_events("assigned")) == 1
    assert "Traceback" not in answered.worker.read_log()


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_dead_letter_says_what_is_wrong_and_where_it_lay(answered: Answered, name: str) -> None:
    """Topic, partition, offset, class, message and place, in headers; a sender's headers cannot pass for ours."""
    bad, record = UNREADABLE[name], answered.letters()[name]
    told = read_headers(record.headers)
    place = next(place for place, sent in answered.sent.items() if sent == name)
    assert told["sluice.errors.topic"] == answered.environment["SLUICE_SUBMISSIONS_TOPIC"]
    assert (int(told["sluice.errors.partition"]), int(told["sluice.errors.offset"])) == place
    assert told["sluice.errors.exception.class.name"] == bad.error
    assert told["sluice.errors.caused.by"] == "sender"
    assert told["sluice.errors.place"].startswith(bad.place)
    assert bad.words in told["sluice.errors.exception.message"]
    assert Counter(key for key, _ in record.headers)["sluice.errors.place"] == 1


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_dead_letter_is_the_record_as_it_was_sent(answered: Answered, name: str) -> None:
    """Key, bytes and headers are kept; a value too large for the topic is cut, with its hash and its length."""
    bad, record = UNREADABLE[name], answered.letters()[name]
    assert record.key == b"ad-x"
    assert [header for header in record.headers if header[0] == "trace"] == SENT_HEADERS[:2]
    told = read_headers(record.headers)
    if name != "10 MB":
        assert record.value == bad.value
        assert "sluice.errors.value.sha256" not in told
        return
    assert bad.value is not None
    assert record.value
    assert bad.value.startswith(record.value)
    assert 1_900_000 < len(record.value) < 2_097_152, "as much as the topic takes"
    assert told["sluice.errors.value.sha256"] == hashlib.sha256(bad.value).hexdigest()
    assert int(told["sluice.errors.value.bytes"]) == len(bad.value)


def test_odd_but_readable_ads_are_decided(answered: Answered) -> None:
    """A link that no browser opens is no approval; an ad in a record of another key is decided under its own id."""
    decided = {name: decode(record) for name, record in answered.decisions().items()}
    assert decided["a clean ad"]["outcome"] == "approve"
    assert decided["no browser"]["outcome"] == "review"
    assert decided["another key"]["ad_id"] == "ad-another"
    assert answered.decisions()["another key"].key == b"ad-another"
    assert not [name for name, decision in decided.items() if decision["degraded"]]


def test_the_metrics_agree_with_what_was_sent(answered: Answered) -> None:
    """Submissions, decisions by outcome, tasks, dead letters by class, key mismatches and unknown fields by name."""
    read, answers = answered.worker.read_metric, answered.answers
    until = time.monotonic() + 20
    while read("sluice_submissions_total") < len(answered.sent) and time.monotonic() < until:
        time.sleep(0.1)  # counted once durable, an instant after a reader may see it
    assert read("sluice_submissions_total") == len(answered.sent)
    assert read("sluice_submissions_bytes_total") == sum(len(record.value or b"") for record in answers.submissions)
    for outcome in ("approve", "review", "reject"):
        expected = sum(decode(record)["outcome"] == outcome for record in answers.decisions)
        assert read(f'sluice_decisions_total{{outcome="{outcome}"') == expected
    assert read("sluice_review_tasks_total") == len(answers.review_tasks)
    for error, amount in Counter(bad.error for bad in UNREADABLE.values()).items():
        assert read(f'sluice_dead_letters_total{{cause="{error}",caused_by="sender"}}') == amount
    assert read("sluice_dead_letters_total") == len(UNREADABLE)
    assert read('sluice_outputs_cut_total{output="dead_letter"}') == 1
    assert read("sluice_key_mismatches_total") == 1
    assert read('sluice_unknown_fields_total{field="campaign"}') == 1
    assert read('sluice_unknown_fields_total{field="creative.colour"}') == 1
    assert read("sluice_unknown_fields_total") == 2
    assert read("sluice_moderation_failed_total") == 0
    assert read("sluice_processing_seconds_count") == len(READABLE)


def test_senders_mistakes_do_not_trip_the_worker_and_texts_stay_out_of_its_log(answered: Answered) -> None:
    """Their own limit is off by default; a log may be read by people who must not see ads."""
    assert answered.worker.read_metric("sluice_tripped") == 0
    assert answered.worker.read_events("tripped") == []
    assert "Running shoes" not in answered.worker.read_log()
    assert all(json.loads(line) for line in answered.worker.read_log().splitlines())
