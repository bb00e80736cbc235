"""Bundles that come into force while ads flow, in two real workers on a real Kafka; and those that must not."""

import json
import signal
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.contracts.ledger import Envelope, Lift
from service.release.envelope import hash_entry
from service.release.folding import LedgerRecord
from tests.ads import encode_ad, make_ad, stream_ads
from tests.integration.conftest import StartWorker
from tests.integration.failing_worker import MARK
from tests.integration.publisher import Publisher, write_keys
from tests.integration.strategies import REJECT_ALL, write_strategies
from tests.integration.traffic import Answers, decode, read_answers, steady_traffic, supervised, wait_for_answers
from tests.integration.workers import WorkerProcess
from tests.kafka_broker import KafkaBroker, Record

MISDEPLOYED = 2
IMAGE = "image-1"


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Give workers Anna's key and a small bundle as their image's."""
    return {
        **environment,
        "SLUICE_STRATEGY_KEYS_DIR": str(write_keys(tmp_path / "keys")),
        "SLUICE_STRATEGIES_DIR": str(write_strategies(tmp_path / "image", IMAGE)),
    }


@pytest.fixture
def publisher(kafka: KafkaBroker, environment: dict[str, str]) -> Publisher:
    return Publisher(kafka, environment)


def start_two(start_worker: StartWorker, **changes: str) -> list[WorkerProcess]:
    workers = [start_worker(changes), start_worker(changes)]
    for worker in workers:
        worker.wait_ready(90)
    return workers


def send_ads(kafka: KafkaBroker, environment: Mapping[str, str], prefix: str, count: int = 20, **fields: Any) -> None:  # noqa: ANN401
    ads = [make_ad(f"{prefix}-{number}") for number in range(count)]
    for ad in ads:
        ad["creative"] = {**ad["creative"], **fields}
    keyed = [(ad["ad_id"].encode(), encode_ad(ad)) for ad in ads]
    kafka.produce(environment["SLUICE_SUBMISSIONS_TOPIC"], keyed)


def decisions_of(answers: Answers, prefix: str) -> list[dict[str, Any]]:
    return [decode(one) for one in answers.decisions if (one.key or b"").startswith(f"{prefix}-".encode())]


def read_decided_at(decision: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(decision["decided_at"])


def find_in_force(workers: Sequence[WorkerProcess], bundle: str) -> list[datetime]:
    """Return when each worker put a bundle in force, by its log."""
    events = [event for worker in workers for event in worker.read_events("in_force") if event["bundle"] == bundle]
    return [datetime.fromisoformat(event["timestamp"]) for event in events]


def require_one_version_a_chunk(decisions: Sequence[Record]) -> None:
    """Fail if a chunk, which has one partition and one time, was decided by two versions."""
    versions = defaultdict(set)
    for record in decisions:
        decision = decode(record)
        versions[record.partition, decision["decided_at"]].add(decision["bundle"]["sha256"])
    assert {len(found) for found in versions.values()} == {1}


def test_bundles_come_into_force_while_ads_flow(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, publisher: Publisher, tmp_path: Path
) -> None:
    """Each decision is by a bundle that was live at its time, each chunk by one; nothing is lost or repeated."""
    workers = start_two(start_worker)
    [image] = {status.live for status in publisher.wait_for(workers, lambda status: status.state == "running")}
    live, published_at = [str(image)], [datetime.min.replace(tzinfo=UTC)]
    ads = list(stream_ads(4_000))
    with steady_traffic(kafka, environment["SLUICE_SUBMISSIONS_TOPIC"], ads, batch=40, pause_s=0.2) as traffic:
        for version in ("2", "3", "4"):
            wait_for_answers(kafka, environment, workers, count=len(read_answers(kafka, environment).by_place()) + 200)
            published_at.append(datetime.now(UTC))
            live.append(publisher.publish(write_strategies(tmp_path / version, version)))
            publisher.wait_live(workers, live[-1])
        assert traffic.is_alive(), "the bundles came under load"
    answers = wait_for_answers(kafka, environment, workers)
    answers.require_one_each()
    require_one_version_a_chunk(answers.decisions)
    by_bundle = defaultdict(list)
    for record in answers.decisions:
        decision = decode(record)
        by_bundle[decision["bundle"]["sha256"]].append(read_decided_at(decision))
    assert set(by_bundle) == set(live), "each bundle decided some ads"
    for number, bundle in enumerate(live):
        assert min(by_bundle[bundle]) > published_at[number]
        if number + 1 < len(live):
            assert max(by_bundle[bundle]) <= max(find_in_force(workers, live[number + 1]))
    for worker in workers:
        assert worker.read_metric(f'sluice_bundle_info{{channel="live",sha256="{live[-1]}"') == 1
        assert worker.read_metric("sluice_strategies_swap_seconds_count") == 3
        assert worker.read_metric('sluice_strategies_source{source="topic"}') == 1
        assert worker.stop() == 0
    assert publisher.read_statuses() == [], "who stops says so"


def _spoil(publisher: Publisher, folder: Path) -> dict[str, int]:
    """Write everything that must not count; returns which words its refusal holds, and for which entry."""
    good = write_strategies(folder / "good", "good")
    packed = publisher.pack(good)
    publisher.send_chunks(packed)
    told = publisher.describe(packed, good)
    behind = publisher.ledger.sequence + 1
    unsigned = publisher.make_record(told, signed=False)
    publisher.send_record(publisher.writer.records[0])
    publisher.send_record(unsigned)
    publisher.send_record(_tamper(publisher.make_record(told)))
    publisher.send_record(publisher.make_record(told, sequence=behind + 5))
    newer = publisher.make_record(told)
    publisher.send_record(
        newer._replace(value=(newer.value or b"").replace(b'schema_version\\":1', b'schema_version\\":2'))
    )
    publisher.send([(b"ledger/0000000009/0123456789abcdef", b"no entry")])
    return {"not signed": behind, "it must not lose records": behind + 5, "upgrade Sluice": behind, "is no envelope": 0}


def _tamper(record: LedgerRecord) -> LedgerRecord:
    """Return the record with one letter of its entry changed, under the key that is now its own."""
    envelope = Envelope.model_validate_json(record.value or b"")
    changed = envelope.model_copy(update={"entry": envelope.entry.replace("because", "becausE")})
    key = f"{record.key.rpartition('/')[0]}/{hash_entry(changed.entry)[:16]}"
    return record._replace(key=key, value=changed.model_dump_json().encode())


def _publish_unfit(publisher: Publisher, folder: Path) -> dict[str, int]:
    """Publish bundles that no worker can use, soundly signed; returns which words their refusals hold, by entry."""
    expected: dict[str, int] = {}

    def put(name: str, why: str, chunks: Sequence[bytes | None] | None = None, **strategies: str) -> None:
        bundle = write_strategies(folder / name, name, **strategies)
        packed = publisher.pack(bundle)
        publisher.send_chunks(packed, chunks)
        publisher.write(publisher.describe(packed, bundle))
        expected[why] = publisher.ledger.sequence

    put("no-records", "is not in", chunks=[])
    put(
        "changed",
        "was changed or cut",
        chunks=[publisher.pack(write_strategies(folder / "x", "x")).chunks[0][:-1] + b"!"],
    )
    put("another", "hold another bundle", chunks=publisher.pack(folder / "x").chunks)
    put("no-cel", "rule 'wrong'", rules='  - {id: wrong, policy: spam, when: ["ad.nonsense =="], action: reject}\n')
    test = "tests:\n  - {name: it stays, ad: {creative: {headline: Shoes}}, expect: {outcome: approve}}\n"
    put("own-test", "tests fail", rules=REJECT_ALL, more=test)
    return expected


def test_what_is_not_sound_is_refused_and_what_was_in_force_goes_on(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, publisher: Publisher, tmp_path: Path
) -> None:
    """Unsigned, changed, replayed, out of order, of a newer release; incomplete, broken, failing: each is reported."""
    live = publisher.publish(write_strategies(tmp_path / "live", "live"))
    workers = start_two(start_worker)
    publisher.wait_live(workers, live)
    expected = _spoil(publisher, tmp_path) | _publish_unfit(publisher, tmp_path)
    [*statuses] = publisher.wait_for(workers, lambda status: status.sequence == publisher.ledger.sequence)
    for status in statuses:
        assert status.live == live
        for words, sequence in expected.items():
            refused = [refusal for refusal in status.refusals if words in refusal.why]
            assert [refusal.sequence for refusal in refused] == [sequence], (words, status.refusals)
        assert any("a signature does not hold" in refusal.why for refusal in status.refusals)
    for worker in workers:
        assert worker.read_metric('sluice_strategies_refused_total{cause="bundle"}') == 5
        assert worker.read_metric('sluice_strategies_refused_total{cause="entry"}') == 6
        assert len(worker.read_events("strategies_refused")) == 11
    send_ads(kafka, environment, "after")
    answers = wait_for_answers(kafka, environment, workers)
    assert {decision["bundle"]["sha256"] for decision in decisions_of(answers, "after")} == {live}
    for worker in workers:
        worker.signal(signal.SIGKILL)
        worker.wait()
        worker.start()
    for worker in workers:
        worker.wait_ready(90)
        assert worker.read_metric(f'sluice_bundle_info{{channel="live",sha256="{live}"') == 1
    mended = publisher.publish(write_strategies(tmp_path / "mended", "mended"))
    for worker in workers:
        worker.wait_for_metric(f'sluice_bundle_info{{channel="live",sha256="{mended}"', 1)


def test_workers_that_are_killed_while_they_swap_come_back_with_what_is_live(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, publisher: Publisher, tmp_path: Path
) -> None:
    """Killed as soon as a bundle is published, twice: each ad has one answer, the last ones by the last bundle."""
    first = publisher.publish(write_strategies(tmp_path / "1", "1"))
    workers = start_two(start_worker)
    with (
        supervised(*workers),
        steady_traffic(kafka, environment["SLUICE_SUBMISSIONS_TOPIC"], list(stream_ads(3_000)), batch=50),
    ):
        for version in ("2", "3"):
            wait_for_answers(kafka, environment, workers, count=len(read_answers(kafka, environment).by_place()) + 100)
            last = publisher.publish(write_strategies(tmp_path / version, version))
            for worker in workers:
                worker.signal(signal.SIGKILL)
        wait_for_answers(kafka, environment, workers, count=3_000, within_s=180)
    send_ads(kafka, environment, "last")
    answers = wait_for_answers(kafka, environment, workers)
    answers.require_one_each()
    require_one_version_a_chunk(answers.decisions)
    assert {decision["bundle"]["sha256"] for decision in decisions_of(answers, "last")} == {last}
    assert first in {decode(record)["bundle"]["sha256"] for record in answers.decisions}


def test_a_block_is_in_force_in_seconds_and_until_it_is_lifted(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, publisher: Publisher, tmp_path: Path
) -> None:
    """An ad that leads to a blocked host is rejected by every worker, with the block as its reason."""
    publisher.publish(write_strategies(tmp_path / "live", "live"))
    workers = start_two(start_worker)
    seconds = []
    for number in range(5):
        written_s = time.monotonic()
        publisher.block_host(f"b-{number}", f"evil-{number}.example")
        for worker in workers:
            worker.wait_for_metric("sluice_blocks", number + 1)
        seconds.append(round(time.monotonic() - written_s, 2))
    print(f"blocks in force in both workers after {seconds} s")  # noqa: T201 - a figure for who looks
    send_ads(kafka, environment, "blocked", landing_url="https://www.evil-3.example/")
    answers = wait_for_answers(kafka, environment, workers)
    for decision in decisions_of(answers, "blocked"):
        assert decision["outcome"] == "reject"
        assert decision["reasons"][0]["id"] == "block/b-3"
    publisher.write({"kind": Lift, "block": "b-3"})
    for worker in workers:
        worker.wait_for_metric("sluice_blocks", 4)
    send_ads(kafka, environment, "lifted", landing_url="https://www.evil-3.example/")
    answers = wait_for_answers(kafka, environment, workers)
    assert {decision["outcome"] for decision in decisions_of(answers, "lifted")} == {"approve"}


def test_a_worker_that_must_not_use_its_image_waits_for_a_publication(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, publisher: Publisher, tmp_path: Path
) -> None:
    """It says what it waits for, is alive, and decides nothing until then."""
    worker = start_worker({"SLUICE_IMAGE_BUNDLE": "never", "SLUICE_STRATEGIES_DIR": str(tmp_path / "nowhere")})
    wait_until_told(worker, "no bundle was ever published; run `sluice strategy publish`")
    assert worker.get("/healthz")[0] == 200
    [status] = publisher.wait_for([worker], lambda status: status.live is None)
    assert status.state == "starting"
    send_ads(kafka, environment, "early")
    bundle = publisher.publish(write_strategies(tmp_path / "first", "first"))
    worker.wait_ready(60)
    answers = wait_for_answers(kafka, environment, [worker])
    answers.require_one_each()
    assert {decision["bundle"]["sha256"] for decision in decisions_of(answers, "early")} == {bundle}
    assert worker.stop() == 0


def wait_until_told(worker: WorkerProcess, words: str, within_s: float = 60.0) -> None:
    """Wait until /readyz gives a reason; fails if the worker gets ready instead."""
    until = time.monotonic() + within_s
    while words not in (report := worker.get("/readyz"))[1]:
        assert report[0] != 200, report
        assert time.monotonic() < until, report
        time.sleep(0.1)


def test_the_image_s_bundle_is_told_from_a_published_one(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, publisher: Publisher
) -> None:
    """In /readyz, in the metrics and on the status topic, so that a worker that missed a publication is found."""
    worker = start_worker()
    worker.wait_ready(60)
    details = json.loads(worker.get("/readyz")[1])["details"]
    assert IMAGE in details["bundle"]
    assert "of the worker's image" in details["bundle"]
    assert worker.read_metric('sluice_strategies_source{source="image"}') == 1
    [status] = publisher.wait_for([worker], lambda status: status.state == "running")
    assert (status.source, status.live_version, status.sequence) == ("image", IMAGE, 0)


def test_without_a_strategies_topic_only_who_may_decides_by_the_image(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, tmp_path: Path
) -> None:
    """The others stop with the remedy; who may goes over to the topic's bundle as soon as there is one."""
    missing = f"{environment['SLUICE_STRATEGIES_TOPIC']}.later"
    changes = {"SLUICE_STRATEGIES_TOPIC": missing}
    strict = [start_worker({**changes, "SLUICE_IMAGE_BUNDLE": kind}) for kind in ("never", "when_empty")]
    lenient = start_worker({**changes, "SLUICE_IMAGE_BUNDLE": "when_unreachable"})
    for worker in strict:
        assert worker.wait(60) == MISDEPLOYED
        assert any(missing in event["message"] for event in worker.read_events("topic_fault"))
    lenient.wait_ready(60)
    assert lenient.read_metric('sluice_strategies_source{source="image"}') == 1
    assert lenient.read_metric("sluice_strategies_unreachable_seconds") > 0
    kafka.create_topics(missing, config={"cleanup.policy": "compact"})
    publisher = Publisher(kafka, {**environment, **changes})
    bundle = publisher.publish(write_strategies(tmp_path / "first", "first"))
    publisher.wait_live([lenient], bundle)
    send_ads(kafka, environment, "later")
    answers = wait_for_answers(kafka, environment, [lenient])
    assert {decision["bundle"]["sha256"] for decision in decisions_of(answers, "later")} == {bundle}


def test_a_worker_without_keys_says_so_instead_of_deciding_by_its_image(
    start_worker: StartWorker, publisher: Publisher, tmp_path: Path
) -> None:
    """Its neighbours decide by what was published; by an old bundle beside them it would be a silent rollback."""
    publisher.publish(write_strategies(tmp_path / "live", "live"))
    empty = tmp_path / "no keys"
    empty.mkdir()
    worker = start_worker({"SLUICE_STRATEGY_KEYS_DIR": str(empty)})
    wait_until_told(worker, "set SLUICE_STRATEGY_KEYS_DIR")
    worker.stop()


def test_an_outage_of_the_broker_leaves_what_is_in_force(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, publisher: Publisher, tmp_path: Path
) -> None:
    """The worker goes on by it when the broker is back, and takes what is published then."""
    first = publisher.publish(write_strategies(tmp_path / "1", "1"))
    worker = start_worker()
    worker.wait_ready(60)
    kafka.restart()
    second = publisher.publish(write_strategies(tmp_path / "2", "2"))
    publisher.wait_live([worker], second, within_s=120)
    send_ads(kafka, environment, "after")
    answers = wait_for_answers(kafka, environment, [worker])
    answers.require_one_each()
    assert {decision["bundle"]["sha256"] for decision in decisions_of(answers, "after")} == {second}
    assert first != second


def test_another_bundle_lets_a_tripped_worker_go_on(
    kafka: KafkaBroker, environment: dict[str, str], start_worker: StartWorker, publisher: Publisher, tmp_path: Path
) -> None:
    """A bundle that fails on the ads trips its build; publishing a mended one needs no `sluice resume`."""
    broken = tmp_path / "broken"
    broken.touch()
    program = ("-m", "tests.integration.failing_worker", str(broken))
    worker = start_worker({"SLUICE_GUARD_MIN_ADS": "40", "SLUICE_CHUNK_RECORDS": "10"}, program)
    worker.wait_ready(60)
    send_ads(kafka, environment, "tripping", count=200, headline=f"Running shoes, {MARK}")
    worker.wait_for_metric('sluice_tripped{cause="moderation_failed"}', 1)
    mended = publisher.publish(write_strategies(tmp_path / "mended", "mended"))
    worker.wait_for_metric("sluice_tripped", 0)
    answers = wait_for_answers(kafka, environment, [worker])
    answers.require_one_each()
    versions = [decision["bundle"]["sha256"] for decision in decisions_of(answers, "tripping")]
    assert versions.count(mended) > 100, "what waited was decided by the mended bundle"
    assert worker.read_events("trip_left_behind")
    assert worker.stop() == 0
