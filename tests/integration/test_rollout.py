"""Rollouts on a real Kafka, two workers: who is in which arm at each width, and guard rails that end a bad one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.contracts.control import Halt
from service.contracts.submission import Submission
from service.release.rollout import Rollout
from tests.ads import encode_ad, make_ad
from tests.integration.conftest import StartWorker
from tests.integration.strategies import REJECT_ALL, Strategist, write_strategies
from tests.integration.traffic import decode, steady_traffic, wait_for_answers
from tests.integration.workers import WorkerProcess
from tests.kafka_broker import KafkaBroker

ADVERTISERS = 1_000
WITHIN_S = 120.0
GAMES_TO_REVIEW = "  - {id: games, policy: gambling, when: ['ad.vertical == \"games\"'], action: review}\n"


@pytest.fixture
def workers(first_version: Path, start_worker: StartWorker) -> list[WorkerProcess]:
    """Start two workers that decide by version 1."""
    pair = [start_worker() for _ in range(2)]
    for worker in pair:
        worker.wait_ready(WITHIN_S)
    return pair


def make_submissions(prefix: str, count: int) -> dict[str, Submission]:
    """Return ads by id: every advertiser in turn, every second one in DE."""
    ads = [
        make_ad(
            f"{prefix}-{number}", market="DE" if number % 2 else "GB", advertiser={"id": f"adv-{number % ADVERTISERS}"}
        )
        for number in range(count)
    ]
    return {ad["ad_id"]: Submission.model_validate(ad) for ad in ads}


def encode(ads: dict[str, Submission]) -> Iterator[tuple[bytes, bytes]]:
    for ad_id, ad in ads.items():
        yield ad_id.encode(), encode_ad(json.loads(ad.model_dump_json(exclude_none=True)))


class Stage:
    """The topics of a test with its two workers."""

    def __init__(self, kafka: KafkaBroker, environment: dict[str, str], workers: list[WorkerProcess]) -> None:
        self.kafka, self.environment, self.workers = kafka, environment, workers

    def decide(self, prefix: str, count: int = ADVERTISERS) -> dict[str, tuple[Submission, dict[str, Any]]]:
        """Send ads to workers that nothing changes meanwhile; return each with its one decision."""
        ads = make_submissions(prefix, count)
        self.kafka.produce(self.environment["SLUICE_SUBMISSIONS_TOPIC"], list(encode(ads)))
        answers = wait_for_answers(self.kafka, self.environment, self.workers, within_s=WITHIN_S)
        answers.require_one_each()
        decisions = {decision["ad_id"]: decision for decision in map(decode, answers.decisions)}
        return {ad_id: (ad, decisions[ad_id]) for ad_id, ad in ads.items()}

    def read_halts(self) -> list[Halt]:
        """Return all halts that were ever written."""
        records = self.kafka.read(self.environment["SLUICE_CONTROL_TOPIC"])
        return [Halt.model_validate_json(r.value or b"") for r in records if (r.key or b"").startswith(b"halt/")]


@pytest.fixture
def stage(kafka: KafkaBroker, environment: dict[str, str], workers: list[WorkerProcess]) -> Stage:
    return Stage(kafka, environment, workers)


def publish_candidate(kim: Strategist, folder: Path, version: str, rules: str = "") -> None:
    made = write_strategies(folder / version, version, rules)
    kim.type("strategy", "publish", made, "--channel", "candidate", "--reason", "try it")


def test_at_each_width_each_advertiser_is_in_its_arm(stage: Stage, kim: Strategist, tmp_path: Path) -> None:
    """As the published hash says, ad by ad; the 1 % stays inside the 10 %, and outside the scope nothing changes."""
    publish_candidate(kim, tmp_path, "2", GAMES_TO_REVIEW)
    chosen: dict[int, set[str]] = {}
    for percent in (1, 10, 100):
        kim.type(
            "strategy",
            "rollout",
            "--percent",
            str(percent),
            "--name",
            "games",
            "--scope",
            "market=DE",
            "--reason",
            "go",
        )
        rollout = Rollout("games", "-", percent)
        for worker in stage.workers:
            worker.wait_for_metric("sluice_rollout_percent", percent, WITHIN_S)
        found = stage.decide(f"at-{percent}")
        for ad, decision in found.values():
            concerned = ad.market == "DE"
            included = concerned and rollout.includes(ad)
            assert decision["arm"] == ("candidate" if included else "live")
            assert decision["bundle"]["version"] == ("2" if included else "1")
            assert decision["rollout"] == ("games" if concerned else None)
        chosen[percent] = {ad.advertiser.id for ad, decision in found.values() if decision["arm"] == "candidate"}
    assert chosen[1]
    assert chosen[1] < chosen[10] < chosen[100]
    assert len(chosen[100]) == ADVERTISERS / 2
    candidate = sum(worker.read_metric('sluice_arm_decisions_total{arm="candidate"') for worker in stage.workers)
    assert candidate == sum(map(len, chosen.values()))
    kim.type("strategy", "promote", "--reason", "it did what it should")
    for _, decision in stage.decide("promoted", 200).values():
        assert (decision["bundle"]["version"], decision["arm"], decision["rollout"]) == ("2", "live", None)


def test_a_candidate_that_rejects_everything_is_stopped_everywhere(
    stage: Stage, kim: Strategist, start_worker: StartWorker, tmp_path: Path
) -> None:
    """By a record that names the entry; it binds workers that start later, and not whoever sets the rollout again."""
    publish_candidate(kim, tmp_path, "9", REJECT_ALL)
    kim.type("strategy", "rollout", "--percent", "50", "--name", "slip", "--reason", "try")
    ads = list(encode(make_submissions("bad", 2_000)))
    with steady_traffic(stage.kafka, stage.environment["SLUICE_SUBMISSIONS_TOPIC"], ads, batch=20, pause_s=0.1):
        for worker in stage.workers:
            worker.wait_for_metric('sluice_rollout_halted{cause="reject_share"}', 1, WITHIN_S)
            worker.wait_for_metric("sluice_rollout_percent", 0, WITHIN_S)
    wait_for_answers(stage.kafka, stage.environment, stage.workers, within_s=WITHIN_S).require_one_each()
    halts = stage.read_halts()
    assert {(halt.rollout, halt.sequence, halt.cause) for halt in halts} == {("slip", 3, "reject_share")}
    assert "the candidate rejects" in halts[0].message
    after = stage.decide("after", 300)
    assert {(d["arm"], d["rollout"], d["outcome"]) for _, d in after.values()} == {("live", None, "approve")}

    assert stage.workers[0].stop() == 0
    stage.workers[0].start()
    stage.workers[0].wait_ready(WITHIN_S)
    assert stage.workers[0].read_metric('sluice_rollout_halted{cause="reject_share"}') == 1
    later = start_worker()
    later.wait_ready(WITHIN_S)
    stage.workers.append(later)
    after = stage.decide("restarted", 300)
    assert {(d["arm"], d["rollout"]) for _, d in after.values()} == {("live", None)}

    publish_candidate(kim, tmp_path, "10", GAMES_TO_REVIEW)
    kim.type("strategy", "rollout", "--percent", "50", "--name", "slip", "--reason", "mended")
    for worker in stage.workers:
        worker.wait_for_metric("sluice_rollout_percent", 50, WITHIN_S)
        worker.wait_for_metric("sluice_rollout_halted", 0, WITHIN_S)
    again = stage.decide("mended", 1_000)
    arms = [decision["arm"] for _, decision in again.values()]
    assert 300 < arms.count("candidate") < 700
    assert {d["outcome"] for _, d in again.values()} == {"approve"}
    kim.type("strategy", "abort", "--reason", "enough")
    over = stage.decide("aborted", 200)
    assert {(d["arm"], d["rollout"], d["bundle"]["version"]) for _, d in over.values()} == {("live", None, "1")}
