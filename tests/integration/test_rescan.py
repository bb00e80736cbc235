"""`sluice rescan` on a real Kafka: what it supersedes, what it leaves alone, and that it does nothing twice."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from confluent_kafka import Consumer, TopicPartition

from service.bootstrap import load_checked_classifier, read_size_limits, ready_bundle
from service.contracts.decision import BundleRef, Decision, Origin, Outcome
from service.release.blocks import NO_BLOCKS
from service.settings import Settings, load_settings
from service.strategy import load_bundle
from service.worker.connection import build_connection
from service.worker.group_lag import open_lag_meter
from service.worker.rescan import Rescan, RescanPlan
from service.worker.rescan_sending import RescanInterruptedError, open_rescan_producer
from tests.ads import UNCERTAIN_URL, encode_ad, make_ad
from tests.integration.conftest import Run
from tests.integration.strategies import write_strategies
from tests.kafka_broker import KafkaBroker, Record

NOW = datetime(2026, 2, 1, tzinfo=UTC)
SHOES = "  - {id: games, policy: gambling, when: ['ad.vertical == \"games\"'], action: reject}\n"


@pytest.fixture
def topics(kafka: KafkaBroker, unique: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Make all topics that a rescan meets, for a cluster where unsigned strategies count."""
    ledgers = {role: f"{unique}.{role}" for role in ("strategies", "strategy_status")}
    outputs = {role: f"{unique}.{role}" for role in ("submissions", "decisions", "review_tasks")}
    kafka.create_topics(*ledgers.values(), config={"cleanup.policy": "compact"})
    kafka.create_topics(*outputs.values(), partitions=2)
    names = {**ledgers, **outputs}
    values = {"brokers": kafka.bootstrap, "group": unique, "allow_unsigned_strategies": "true"}
    values |= {f"{role}_topic": name for role, name in names.items()}
    for name, value in values.items():
        monkeypatch.setenv(f"SLUICE_{name.upper()}", value)
    return names


def decide(ad: dict[str, Any], number: int, outcome: Outcome = Outcome.APPROVE, sequence: int = 0) -> Decision:
    """Return an earlier decision about an ad."""
    return Decision(
        decision_id=UUID(int=number),
        ad_id=ad["ad_id"],
        revision=ad["revision"],
        sequence=sequence,
        outcome=outcome,
        bundle=BundleRef(version="0", sha256="0" * 64),
        origin=Origin(topic="submissions", partition=1, offset=number),
        submitted_at=NOW,
        received_at=NOW,
        decided_at=NOW,
    )


def write_decisions(kafka: KafkaBroker, topics: dict[str, str], *decisions: Decision) -> None:
    kafka.produce(topics["decisions"], [(one.ad_id.encode(), one.model_dump_json().encode()) for one in decisions])


def read_superseding(kafka: KafkaBroker, topics: dict[str, str], written: int) -> list[tuple[Record, dict[str, Any]]]:
    """Return the superseding decisions once the topic holds `written` records: markers come after the commit."""
    found = [(record, json.loads(record.value or b"")) for record in kafka.read_until(topics["decisions"], written)]
    assert len(found) == written
    return sorted(
        ((record, decision) for record, decision in found if decision["supersedes"]),
        key=lambda pair: (pair[0].timestamp_ms, pair[0].partition, pair[0].offset),
    )


def test_approved_ads_are_decided_again_and_only_what_is_worse_is_sent(
    kafka: KafkaBroker, topics: dict[str, str], run: Run, tmp_path: Path
) -> None:
    """A rejection and a review come of it, once; all that somebody else has settled is left alone."""
    fine, bad = make_ad("fine"), make_ad("bad", vertical="games")
    unclear = make_ad("unclear")
    unclear["creative"]["landing_url"] = UNCERTAIN_URL
    others = [make_ad(f"other-{number}", vertical="games") for number in range(5)]
    write_decisions(
        kafka, topics, decide(fine, 1), decide(unclear, 2), decide(bad, 3), decide(bad, 3, Outcome.REJECT),
        decide(others[0], 4, Outcome.REJECT), decide(others[1], 5), decide(others[1], 6, sequence=1),
        decide(others[2], 7).model_copy(update={"revision": 2}),
    )  # fmt: skip
    ads = tmp_path / "live.jsonl"
    lines = [encode_ad(ad) for ad in (fine, unclear, bad, bad, *others)] + [b"{"]
    ads.write_bytes(b"\n".join(lines))
    folder = write_strategies(tmp_path / "v1", "1", SHOES)
    assert run("strategy", "publish", folder, "--channel", "live", "--reason", "r", "--no-wait")[0] == 0
    command = ("rescan", "--bundle", "live", "--ads", ads, "--rate", "500")
    code, said, _ = run(*command, "--dry-run")
    assert code == 0
    assert "1 rejected, 1 to review: nothing was sent, as asked" in said
    assert read_superseding(kafka, topics, 8) == []
    code, said, err = run(*command)
    assert (code, err) == (0, "")
    assert said.splitlines()[1:] == [
        "9 ads read, 3 decided again: 1 stay approved",
        "1 rejected, 1 to review: 2 decisions superseded",
        "  1 cannot be read as submissions",
        "  2 have no decision in the topic (any more): send them as submissions again",
        "  1 are of another revision than the last decision",
        "  1 are not approved",
        "  1 were approved by a later decision, of a person: left alone",
    ]
    (first, rejection), (second, review) = sorted(
        read_superseding(kafka, topics, 10), key=lambda pair: str(pair[1]["ad_id"])
    )
    before = {record.key: record.partition for record in kafka.read(topics["decisions"]) if record.offset < 8}
    sha256 = rejection["bundle"]["sha256"]
    assert rejection["decision_id"] == str(uuid5(UUID(int=3), sha256))
    assert (rejection["ad_id"], rejection["outcome"], rejection["sequence"]) == ("bad", "reject", 1)
    assert (rejection["supersedes"], rejection["origin"]["offset"]) == (str(UUID(int=3)), 3)
    assert rejection["statement"]["restriction"] == "not_published"
    assert (review["ad_id"], review["outcome"]) == ("unclear", "review")
    assert {first.key: first.partition, second.key: second.partition}.items() <= before.items()
    [task] = kafka.read_until(topics["review_tasks"], 1)
    assert json.loads(task.value or b"")["decision_id"] == review["decision_id"]
    assert task.partition == second.partition
    code, said, _ = run(*command)
    assert "0 rejected, 0 to review: 0 decisions superseded" in said
    assert "  4 are not approved" in said
    assert len(read_superseding(kafka, topics, 10)) == 2


def test_ads_come_from_kafka_and_blocks_in_force_count(
    kafka: KafkaBroker, topics: dict[str, str], run: Run, tmp_path: Path
) -> None:
    """After an emergency block, what was approved before it is taken down by the bundle that was live all along."""
    ads = [make_ad(f"ad-{number}", advertiser={"id": f"adv-{number % 2}"}) for number in range(20)]
    kafka.produce(topics["submissions"], [(ad["ad_id"].encode(), encode_ad(ad)) for ad in ads])
    write_decisions(kafka, topics, *(decide(ad, number) for number, ad in enumerate(ads)))
    folder = write_strategies(tmp_path / "v1", "1")
    assert run("strategy", "publish", folder, "--channel", "live", "--reason", "r", "--no-wait")[0] == 0
    block = ("--for", "1h", "--reason", "r", "--policy", "spam", "--no-wait")
    assert run("block", "advertiser", "adv-1", *block)[0] == 0
    code, said, _ = run("rescan", "--bundle", "1", "--ads", f"kafka:{topics['submissions']}", "--rate", "1000")
    assert code == 0
    assert "10 rejected, 0 to review: 10 decisions superseded" in said
    decisions = [decision for _, decision in read_superseding(kafka, topics, 30)]
    assert {decision["reasons"][0]["id"] for decision in decisions} == {"block/advertiser-adv-1"}


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    """Return a bundle that rejects games."""
    return write_strategies(tmp_path / "strict", "1", SHOES)


def make_rescan(settings: Settings, folder: Path, ads: list[dict[str, Any]]) -> Rescan:
    """Return a rescan with the shipped model."""
    bundle = ready_bundle(load_bundle(folder), load_checked_classifier(settings))
    plan = RescanPlan(bundle, NO_BLOCKS, read_size_limits(settings), rate=10_000, max_lag=0)
    return Rescan(settings, plan, lambda: iter(map(encode_ad, ads)))


def test_an_interrupted_rescan_is_finished_by_the_next(
    kafka: KafkaBroker, topics: dict[str, str], strict: Path
) -> None:
    """One that somebody else's rescan takes over from stops; each ad is superseded once in the end."""
    ads = [make_ad(f"ad-{number}", vertical="games") for number in range(150)]
    write_decisions(kafka, topics, *(decide(ad, number) for number, ad in enumerate(ads)))
    settings = load_settings()

    async def interrupt() -> None:
        first = make_rescan(settings, strict, ads)
        with pytest.raises(RescanInterruptedError, match="another rescan took over"):
            async with aclosing(first.run()) as steps:
                async for step in steps:
                    if step.phase == "sending":
                        async with open_rescan_producer(settings, build_connection(settings)):
                            pass
        assert first.counts["sent"] == 100
        second = make_rescan(settings, strict, ads)
        async for _ in second.run():
            pass
        assert (second.counts["not_approved"], second.counts["sent"]) == (100, 50)

    asyncio.run(interrupt())
    superseded = [decision["supersedes"] for _, decision in read_superseding(kafka, topics, 300)]
    assert len(superseded) == len(set(superseded)) == 150


def test_what_a_person_settles_meanwhile_is_left_alone(
    kafka: KafkaBroker, topics: dict[str, str], strict: Path
) -> None:
    """Between deciding and sending the decisions topic is read once more."""
    ads = [make_ad(f"ad-{number}", vertical="games") for number in range(3)]
    write_decisions(kafka, topics, *(decide(ad, number) for number, ad in enumerate(ads)))

    async def settle() -> None:
        scan = make_rescan(load_settings(), strict, ads)
        async for step in scan.run():
            if step.phase == "deciding":
                write_decisions(kafka, topics, decide(ads[1], 50, sequence=1))
        assert (scan.counts["sent"], scan.counts["settled_meanwhile"]) == (2, 1)

    asyncio.run(settle())
    assert [decision["ad_id"] for _, decision in read_superseding(kafka, topics, 6)].count("ad-1") == 0


def test_a_rescan_waits_for_live_traffic(kafka: KafkaBroker, topics: dict[str, str]) -> None:
    """While the group is behind, and no longer."""
    ads = [make_ad("ad-1", vertical="games")]
    write_decisions(kafka, topics, decide(ads[0], 1))
    kafka.produce(topics["submissions"], [(b"k", b"v")] * 10)
    settings = load_settings()
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": settings.group})

    def commit(share: int) -> None:
        bounds = [
            (one, consumer.get_watermark_offsets(TopicPartition(settings.submissions_topic, one))) for one in (0, 1)
        ]
        places = [TopicPartition(settings.submissions_topic, one, end if share else low) for one, (low, end) in bounds]
        consumer.commit(offsets=places, asynchronous=False)

    async def measure() -> list[int]:
        async with open_lag_meter(build_connection(settings), settings.group, settings.submissions_topic) as meter:
            unread = await meter.measure()
            await asyncio.to_thread(commit, 0)
            behind = await meter.measure()
            await asyncio.to_thread(commit, 1)
            return [unread, behind, await meter.measure()]

    assert asyncio.run(measure()) == [0, 10, 0]
    consumer.close()


def test_what_cannot_be_rescanned_is_told(topics: dict[str, str], run: Run, tmp_path: Path) -> None:
    """Before anything is read or sent."""
    folder = write_strategies(tmp_path / "v1", "1")
    assert "there is no live bundle" in run("rescan", "--bundle", "live", "--ads", "x", "--rate", "1")[2]
    assert run("strategy", "publish", folder, "--channel", "live", "--reason", "r", "--no-wait")[0] == 0
    for arguments, told in (
        (("--bundle", "live", "--ads", "/nowhere", "--rate", "1"), "--ads /nowhere: is no file"),
        (("--bundle", "live", "--ads", "/nowhere", "--rate", "0"), "--rate 0: write how many ads a second"),
        (("--bundle", str(folder), "--ads", "/nowhere", "--rate", "1"), "is no bundle that was published"),
    ):
        code, said, err = run("rescan", *arguments)
        assert (code, said) == (2, "")
        assert told in err
