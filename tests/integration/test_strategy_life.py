"""A strategy's life on a real Kafka, two workers under load: shadow, 1, 10, 100 %, promoted, rolled back, stopped.

The commands are those that strategists type. At the end every decision is judged by what the topics say of its time.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from service.release.rollout import place_advertiser
from tests.ads import UNCERTAIN_URL, encode_ad, make_ad
from tests.integration.conftest import StartWorker
from tests.integration.strategies import REJECT_ALL, Strategist, write_strategies
from tests.integration.traffic import decode, read_answers, traffic_until_left, wait_for_answers
from tests.integration.workers import WorkerProcess
from tests.kafka_broker import KafkaBroker, Record

ADVERTISERS = 500
GAMES_TO_REVIEW = "  - {id: games, policy: gambling, when: ['ad.vertical == \"games\"'], action: review}\n"
FAILING_TEST = """\
tests:
  - name: shoes are rejected
    ad: {creative: {headline: Running shoes}}
    expect: {outcome: reject}
"""


class Period(NamedTuple):
    """What a ledger entry put in force, from when it lay on the topic to when the last worker had left it."""

    entry: dict[str, Any]
    start_ms: float
    end_ms: float

    def holds(self, at_ms: float) -> bool:
        return self.start_ms <= at_ms <= self.end_ms


@pytest.fixture
def workers(first_version: Path, start_worker: StartWorker) -> list[WorkerProcess]:
    """Start two workers that decide by version 1, published before they came."""
    pair = [start_worker() for _ in range(2)]
    for worker in pair:
        worker.wait_ready(120.0)
    return pair


def make_ads() -> Iterator[tuple[bytes, bytes]]:
    """Yield ads of many advertisers: one in seven leads nowhere (review), one in fifty is for games."""
    for number in count():
        ad = make_ad(f"ad-{number}", advertiser={"id": f"adv-{number * 7919 % ADVERTISERS}"})
        if number % 7 == 3:
            ad["creative"]["landing_url"] = UNCERTAIN_URL
        if number % 50 == 1:
            ad["vertical"] = "games"
        yield ad["ad_id"].encode(), encode_ad(ad)


def test_a_strategy_lives_and_is_rolled_back_without_an_ad_lost(
    kafka: KafkaBroker, environment: dict[str, str], kim: Strategist, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    """Each ad is decided once, by a version that was in force at its time, and by the arm that its advertiser is in."""
    second = write_strategies(tmp_path / "v2", "2", GAMES_TO_REVIEW)
    with traffic_until_left(kafka, environment["SLUICE_SUBMISSIONS_TOPIC"], make_ads()):
        kim.type("strategy", "publish", second, "--channel", "candidate", "--reason", "games need a look")
        for percent in ("1", "10", "100"):
            kim.type("strategy", "rollout", "--percent", percent, "--name", "games", "--reason", "widen")
            time.sleep(2)  # traffic for the arm
        kim.type("strategy", "promote", "--reason", "it did what it should")
        time.sleep(2)
        kim.type("strategy", "rollback", "--reason", "the players complain")
        time.sleep(2)
        refused = write_strategies(tmp_path / "bad", "3", more=FAILING_TEST)
        status, printed = kim.run("strategy", "publish", refused, "--channel", "candidate", "--reason", "untested")
        assert status == 1
        assert "shoes are rejected" in printed
    wait_for_answers(kafka, environment, workers)
    answers = read_answers(kafka, environment)
    answers.require_one_each()
    judge_decisions(kafka, environment, answers.decisions)
    shadow = [decode(record) for record in kafka.read(environment["SLUICE_SHADOW_TOPIC"])]
    outcomes = {decision["decision_id"]: decision["outcome"] for decision in map(decode, answers.decisions)}
    assert len(shadow) > 1_000
    for pair in shadow:
        assert outcomes[pair["decision_id"]] == pair[pair["arm"]]["outcome"]


def judge_decisions(kafka: KafkaBroker, environment: dict[str, str], decisions: list[Record]) -> None:
    """Hold each decision against the ledger and against what the workers said they ran by."""
    periods = read_periods(kafka, environment)
    live = [p for p in periods if p.entry["kind"] in {"publish", "promote"} and p.entry.get("channel") != "candidate"]
    rollouts = [p for p in periods if p.entry["kind"] == "rollout"]
    assert [p.entry["percent"] for p in rollouts] == [1.0, 10.0, 100.0]
    arms: dict[str, int] = {"live": 0, "candidate": 0}
    for decision in map(decode, decisions):
        at_ms = to_ms(decision["decided_at"])
        arm, bundle = decision["arm"], decision["bundle"]["sha256"]
        arms[arm] += 1
        concerned = [p for p in rollouts if p.holds(at_ms)]
        if arm == "live":
            assert bundle in {p.entry["bundle"] for p in live if p.holds(at_ms)}
        else:
            assert bundle in {p.entry["bundle"] for p in concerned}
        if decision["rollout"] is not None:
            number = int(decision["ad_id"].removeprefix("ad-"))
            place = place_advertiser(decision["rollout"], f"adv-{number * 7919 % ADVERTISERS}")
            chosen = {"candidate" if place < p.entry["percent"] / 100 else "live" for p in concerned}
            assert arm in chosen
    assert min(arms.values()) > 500, arms
    assert len({decision["bundle"]["sha256"] for decision in map(decode, decisions)}) == 2


def read_periods(kafka: KafkaBroker, environment: dict[str, str]) -> list[Period]:
    """Return the ledger's entries with the time in which each may have decided."""
    entries = [
        (json.loads(json.loads(record.value or b"")["entry"]), record.timestamp_ms)
        for record in kafka.read(environment["SLUICE_STRATEGIES_TOPIC"])
        if (record.key or b"").startswith(b"ledger/")
    ]
    statuses = [json.loads(r.value) for r in kafka.read(environment["SLUICE_STRATEGY_STATUS_TOPIC"]) if r.value]
    left = find_departures(entries, statuses)
    return [Period(entry, appended_ms - 1, left[entry["sequence"]]) for entry, appended_ms in entries]


def find_departures(entries: list[tuple[dict[str, Any], int]], statuses: list[dict[str, Any]]) -> dict[int, float]:
    """Return, by sequence, when the last worker said that it had gone on to what took the entry's place."""
    workers = {status["worker"] for status in statuses}
    left: dict[int, float] = {}
    for entry, _ in entries:
        replaced_at = next((e["sequence"] for e, _ in entries if replaces(e, entry)), None)
        reached = [
            min(
                (to_ms(s["at"]) for s in statuses if s["worker"] == w and s["sequence"] >= replaced_at),
                default=float("inf"),
            )
            for w in workers
        ] if replaced_at is not None else [float("inf")]  # fmt: skip
        left[entry["sequence"]] = max(reached)
    return left


def replaces(later: dict[str, Any], entry: dict[str, Any]) -> bool:
    """Tell whether a later entry ends what an entry put in force."""
    if later["sequence"] <= entry["sequence"]:
        return False
    puts_live: bool = later["kind"] == "promote" or (later["kind"] == "publish" and later["channel"] == "live")
    if entry["kind"] == "rollout":
        return puts_live or later["kind"] in {"rollout", "abort", "publish"}
    if entry["kind"] == "publish" and entry["channel"] == "candidate":
        return later["kind"] in {"promote", "abort", "publish"}
    return puts_live


def to_ms(time_text: str) -> float:
    """Return an RFC 3339 time in milliseconds since 1970."""
    return datetime.fromisoformat(time_text).timestamp() * 1_000


def wait_until(said: Callable[[], bool], within_s: float = 40.0) -> None:
    """Wait until something is so."""
    until = time.monotonic() + within_s
    while not said():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.2)


def test_a_candidate_that_rejects_everything_is_stopped(
    kafka: KafkaBroker, environment: dict[str, str], kim: Strategist, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    """The guard rail ends the rollout in all workers by itself; a metric and the status say so; live goes on."""
    bad = write_strategies(tmp_path / "v9", "9", REJECT_ALL)
    with traffic_until_left(kafka, environment["SLUICE_SUBMISSIONS_TOPIC"], make_ads()):
        kim.type("strategy", "publish", bad, "--channel", "candidate", "--reason", "a slip")
        kim.type("strategy", "rollout", "--percent", "20", "--name", "slip", "--reason", "try")
        for worker in workers:
            worker.wait_for_metric("sluice_rollout_halted", 1.0)
        halted_ms = time.time() * 1_000
        time.sleep(1)
    answers = wait_for_answers(kafka, environment, workers)
    answers.require_one_each()
    decisions = [decode(record) for record in answers.decisions]
    by_candidate = [to_ms(d["decided_at"]) for d in decisions if d["arm"] == "candidate"]
    assert by_candidate
    assert max(by_candidate) < halted_ms
    assert any(to_ms(d["decided_at"]) > halted_ms for d in decisions)
    kim.type("strategy", "abort", "--reason", "it rejects everything")


def test_a_tampered_entry_is_refused_and_told(
    kafka: KafkaBroker, environment: dict[str, str], kim: Strategist, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    """A changed entry, a replayed one and one by a stranger's key change nothing; the next honest one is taken."""
    topic = environment["SLUICE_STRATEGIES_TOPIC"]
    last = [record for record in kafka.read(topic) if (record.key or b"").startswith(b"ledger/")][-1]
    envelope = json.loads(last.value or b"")
    entry = json.loads(envelope["entry"]) | {"sequence": 2, "version": "evil"}
    tampered = json.dumps({**envelope, "entry": json.dumps(entry)}).encode()
    kafka.produce(topic, [(b"ledger/0000000002", tampered), (last.key or b"", last.value or b"")])
    stranger = tmp_path / "stranger"
    Strategist(environment).type("strategy", "keygen", "mallory", "--to", stranger)
    second = write_strategies(tmp_path / "v2", "2", GAMES_TO_REVIEW)
    status, printed = Strategist(environment, stranger / "mallory.key").run(
        "strategy", "publish", second, "--channel", "live", "--reason", "mine"
    )
    assert status != 0
    assert "mallory" in printed

    def all_tell() -> bool:
        records = kafka.read(environment["SLUICE_STRATEGY_STATUS_TOPIC"])
        last_of = {record.key: json.loads(record.value) for record in records if record.value}
        return len(last_of) == 2 and all(status["refusals"] for status in last_of.values())

    wait_until(all_tell)
    for worker in workers:
        assert worker.read_metric("sluice_strategies_refused_total") >= 1
    kim.type("strategy", "publish", second, "--channel", "live", "--reason", "honest")
    kafka.produce(environment["SLUICE_SUBMISSIONS_TOPIC"], islice(make_ads(), 600))
    answers = wait_for_answers(kafka, environment, workers)
    answers.require_one_each()
    assert {decode(record)["bundle"]["version"] for record in answers.decisions} == {"2"}
