"""Traffic for tests with real workers: ads that come steadily, and a count of the answers that each one got."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from service.worker.dead_letter_record import read_headers
from tests.integration.workers import WorkerProcess
from tests.kafka_broker import KafkaBroker, Record

# Back soon after an outage: it is the worker's return that tests look at, not the sender's.
_SENDER: dict[str, object] = {"enable.idempotence": True, "reconnect.backoff.max.ms": 500}

Place = tuple[int, int]
"""Partition and offset of a submission."""


class Answers(NamedTuple):
    """All that lies in a group's topics, for a reader that reads committed records."""

    submissions: list[Record]
    decisions: list[Record]
    review_tasks: list[Record]
    dead_letters: list[Record]

    def by_place(self) -> Counter[Place]:
        """Return how many answers each submission got."""
        return Counter([place_of(record) for record in (*self.decisions, *self.dead_letters)])

    def require_one_each(self) -> None:
        """Fail unless every submission has one answer, and every review one task, on the submission's partition."""
        assert self.by_place() == Counter((record.partition, record.offset) for record in self.submissions)
        reviews = Counter(place_of(record) for record in self.decisions if decode(record)["outcome"] == "review")
        assert Counter(place_of(record) for record in self.review_tasks) == reviews
        for record in (*self.decisions, *self.review_tasks, *self.dead_letters):
            assert record.partition == place_of(record)[0], "an output lies on its input's partition"


def read_answers(kafka: KafkaBroker, environment: Mapping[str, str]) -> Answers:
    """Return what the topics of a group hold now."""
    roles = ("SUBMISSIONS", "DECISIONS", "REVIEW_TASKS", "DEAD_LETTERS")
    return Answers(*(kafka.read(environment[f"SLUICE_{role}_TOPIC"]) for role in roles))


def wait_for_answers(
    kafka: KafkaBroker,
    environment: Mapping[str, str],
    workers: Sequence[WorkerProcess],
    count: int | None = None,
    within_s: float = 90.0,
) -> Answers:
    """Wait until `count` submissions (all there are) have an answer; tells the workers' logs if they never have."""
    until = time.monotonic() + within_s
    while True:
        answers = read_answers(kafka, environment)
        wanted = len(answers.submissions) if count is None else count
        if len(answers.by_place()) >= wanted:
            return answers
        if time.monotonic() > until:
            logs = "\n".join(worker.get("/healthz")[1] + worker.read_log()[-3_000:] for worker in workers)
            raise AssertionError(f"{len(answers.by_place())} of {wanted} submissions are answered\n{logs}")
        time.sleep(0.3)


def place_of(record: Record) -> Place:
    """Return where the submission lies that `record` answers."""
    headers = read_headers(record.headers)
    if headers:
        return int(headers["sluice.errors.partition"]), int(headers["sluice.errors.offset"])
    origin = decode(record)["origin"]
    return origin["partition"], origin["offset"]


def decode(record: Record) -> dict[str, Any]:
    """Return the fields of a decision or a review task."""
    fields: dict[str, Any] = json.loads(record.value or b"")
    return fields


@contextmanager
def steady_traffic(
    kafka: KafkaBroker, topic: str, ads: Sequence[tuple[bytes, bytes]], batch: int = 100, pause_s: float = 0.1
) -> Iterator[threading.Thread]:
    """Send `ads` beside the block, a batch at a time; all have been sent when the block is left."""
    failures: list[BaseException] = []

    def send() -> None:
        try:
            for start in range(0, len(ads), batch):
                # an outage may last longer than one attempt: librdkafka tries again, without sending anything twice
                kafka.produce(topic, ads[start : start + batch], **_SENDER)
                time.sleep(pause_s)
        except BaseException as error:  # noqa: BLE001 - told to the test when the block is left
            failures.append(error)

    thread = threading.Thread(target=send, name="traffic")
    thread.start()
    try:
        yield thread
    finally:
        thread.join()
    assert failures == []


@contextmanager
def traffic_until_left(
    kafka: KafkaBroker, topic: str, ads: Iterator[tuple[bytes, bytes]], batch: int = 40, pause_s: float = 0.1
) -> Iterator[None]:
    """Send from `ads`, which has no end, beside the block until it is left."""
    left = threading.Event()

    def until_left() -> Iterator[tuple[bytes, bytes]]:
        for number, ad in enumerate(ads):
            if left.is_set():
                return
            yield ad
            if number % batch == batch - 1:
                time.sleep(pause_s)

    failures: list[BaseException] = []

    def send() -> None:
        try:
            kafka.produce(topic, until_left(), **_SENDER)
        except BaseException as error:  # noqa: BLE001 - told to the test when the block is left
            failures.append(error)

    thread = threading.Thread(target=send, name="traffic")
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()
    assert failures == []


@contextmanager
def supervised(*workers: WorkerProcess) -> Iterator[None]:
    """Restart every worker that ends, as a supervisor does, until the block is left."""
    done = threading.Event()

    def supervise() -> None:
        while not done.wait(0.3):
            for worker in workers:
                worker.restart_if_ended()

    thread = threading.Thread(target=supervise, name="supervisor")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
