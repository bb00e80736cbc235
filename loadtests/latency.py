"""Measures the time from submission to readable decision at a steady rate, without coordinated omission.

Open loop: ad `n` is due at start + n / rate whatever the service does, and its latency counts from then, so a service
(or a sender) that falls behind makes its own figures worse and cannot hide it. Decisions count when a `read_committed`
reader holds them.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from loadtests.ads import READABLE, identify, make_records
from loadtests.ground import Ground, open_producer
from loadtests.race import CandidateError, end_process

_ROOT = Path(__file__).resolve().parents[1]
_PRIMING_ADS = 256
_PRIMED_WITHIN_S = 60.0
_LATE_WITHIN_S = 20.0
_ENDLESS_ADS = 10**9

SLUICE = ("service", "worker")
BARE = ("loadtests.candidates.bare_loop", "--pipeline", "real", "--ads", str(_ENDLESS_ADS), "--result", os.devnull)


def measure_latency(
    ground: Ground, topics: str, program: Sequence[str], rates: Sequence[int], seconds: float
) -> dict[int, list[float]]:
    """Return the latencies in seconds for each rate (ads a second) of one process that runs `python -m PROGRAM`.

    It gets topics of its own, called `topics`: with others' ads in them it would begin behind.
    Raises CandidateError if it ends, or a decision does not come within 20 s of its last submission.
    """
    settings = ground.make_topics(topics)
    log = ground.directory / f"{topics}.log"
    environment = {
        **os.environ,
        **ground.name_topics(topics),
        "SLUICE_GROUP": topics,
        "SLUICE_WEB_PORT": "0",
        "SLUICE_LOG_LEVEL": "warning",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *program], cwd=_ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        probe = Probe(ground.brokers, settings.submissions_topic, settings.decisions_topic, ground.partitions)
        # The first decisions wait for the process to start; their times are of no interest.
        probe.run(f"{topics}-prime", _PRIMING_ADS, rate=_PRIMING_ADS, late_within_s=_PRIMED_WITHIN_S)
        return {rate: probe.run(f"{topics}-{rate}", int(rate * seconds), rate, _LATE_WITHIN_S) for rate in rates}
    except TimeoutError as error:
        tail = log.read_text(encoding="utf-8", errors="replace")[-4_000:]
        raise CandidateError(f"{' '.join(program)}: {error}\n{tail}") from error
    finally:
        end_process(process)


class Probe:
    """Sends to one topic and reads from another, on one clock."""

    def __init__(self, brokers: str, submissions: str, decisions: str, partitions: int) -> None:
        self._submissions = submissions
        self._producer = open_producer(brokers, {"linger.ms": 0})
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "loadtests.latency",  # never joined: partitions are assigned by hand
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": 3,
            }
        )
        self._consumer.assign([TopicPartition(decisions, number, OFFSET_END) for number in range(partitions)])
        self._consumer.poll(1.0)

    def run(self, prefix: str, count: int, rate: float, late_within_s: float) -> list[float]:
        """Send `count` ads at `rate` a second and return their latencies in seconds; raises TimeoutError."""
        records = list(make_records(count, datetime.now(UTC), READABLE, prefix=prefix, seed=3))
        arrived: dict[bytes, float] = {}
        sent = threading.Event()
        reader = threading.Thread(target=self._read, args=(f"{prefix}-".encode(), count, arrived, sent, late_within_s))
        reader.start()
        began_s = time.monotonic()
        try:
            self._send(records, began_s, rate)
        finally:
            sent.set()
            reader.join()
        if len(arrived) < count:
            raise TimeoutError(f"{len(arrived)} of {count} decisions came within {late_within_s:.0f} s")
        return [arrived[identify(prefix, number).encode()] - began_s - number / rate for number in range(count)]

    def _send(self, records: Sequence[tuple[bytes, bytes]], began_s: float, rate: float) -> None:
        for number, (key, value) in enumerate(records):
            wait_s = began_s + number / rate - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            self._producer.produce(self._submissions, value, key)
            self._producer.poll(0)
        self._producer.flush(_LATE_WITHIN_S)

    def _read(
        self, prefix: bytes, count: int, arrived: dict[bytes, float], sent: threading.Event, late_within_s: float
    ) -> None:
        until_s = float("inf")
        while len(arrived) < count and time.monotonic() < until_s:
            for message in self._consumer.consume(500, timeout=0.01):
                key = message.key()
                if message.error() is None and key is not None and key.startswith(prefix):
                    arrived.setdefault(key, time.monotonic())
            if sent.is_set() and until_s == float("inf"):
                until_s = time.monotonic() + late_within_s
