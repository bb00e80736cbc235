"""Runs the demo: broker, topics, the real worker (exactly once), traffic, answers; ends by itself."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Message
from rich.console import Console

from service.contracts.decision import Decision
from service.contracts.review_task import ReviewTask
from service.demo.ads import make_records
from service.demo.broker import EmbeddedBroker, poll_records
from service.demo.emergency import EmergencyError, block_host, choose_ad
from service.demo.show import show_dead_letters, show_decision, show_queue, show_summary
from service.settings import Settings, load_settings
from service.worker.topics_file import load_topics

_READY_WITHIN_S = 40.0
_ANSWERS_WITHIN_S = 30.0


class DemoError(RuntimeError):
    """The demo cannot go on; the text says why and where to look."""


@dataclass
class Answers:
    """What has come back so far."""

    decisions: list[Decision] = field(default_factory=list)
    tasks: list[ReviewTask] = field(default_factory=list)
    letters: list[Message] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Submissions that have been answered."""
        return len(self.decisions) + len(self.letters)


def run_demo(console: Console, *, hold: bool) -> None:
    """Run it all; with `hold` the worker stays up until Ctrl-C. Raises DemoError."""
    console.print("[bold]Sluice demo[/]: the real worker, exactly once, on an embedded broker.")
    console.print("The broker (librdkafka's mock) keeps all in memory and guarantees nothing: it is for trying out.\n")
    broker = EmbeddedBroker()
    settings = load_settings({})
    broker.make_topics(topic.name for topic in load_topics(settings).topics.values())
    with _start_worker(broker.bootstrap) as address:
        console.print(f"broker {broker.bootstrap}, worker ready, metrics at http://{address}/metrics\n")
        records = list(make_records(datetime.now(UTC)))
        broker.send(settings.submissions_topic, records)
        answers = _collect(console, broker, settings, records)
        console.print()
        show_queue(console, answers.tasks)
        show_dead_letters(console, answers.letters)
        show_summary(console, answers.decisions, len(answers.tasks), len(answers.letters))
        _show_emergency(console, broker, settings, answers, records)
        console.print(f"Metrics: http://{address}/metrics (health: /healthz, readiness: /readyz)")
        if hold:
            _hold(console, broker)


@contextmanager
def _start_worker(bootstrap: str) -> Iterator[str]:
    """Start `sluice worker` and yield its address once it is ready; stop it as a deployment would."""
    with tempfile.TemporaryDirectory(prefix="sluice-demo-") as folder:
        log = Path(folder) / "worker.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        environment |= {
            "SLUICE_BROKERS": bootstrap,
            "SLUICE_WEB_PORT": "0",
            # the mock cannot tell its topics' configuration
            "SLUICE_TOPICS_CHECK": "partitions",
            "SLUICE_ALLOW_UNSIGNED_STRATEGIES": "true",
        }
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "service", "worker"], env=environment, stdout=output, stderr=output
            )
        try:
            yield _wait_ready(worker, log)
        finally:
            worker.terminate()
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _wait_ready(worker: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < until and worker.poll() is None:
        address = _find_address(log)
        if address is not None and _is_ready(address):
            return address
        time.sleep(0.1)
    raise DemoError(f"the worker did not get ready; its log:\n{log.read_text(encoding='utf-8', errors='replace')}")


def _find_address(log: Path) -> str | None:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{") and (entry := json.loads(line)).get("event") == "listening":
            host, port = entry["address"]
            return f"{host}:{port}"
    return None


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, TimeoutError):
        return False


def _collect(
    console: Console, broker: EmbeddedBroker, settings: Settings, records: list[tuple[bytes, bytes]]
) -> Answers:
    ads = {key.decode(): value for key, value in records}
    topics = (settings.decisions_topic, settings.review_tasks_topic, settings.dead_letters_topic)
    reader = broker.open_reader(topics)
    answers = Answers()
    until = time.monotonic() + _ANSWERS_WITHIN_S
    settled_s = 0.0
    try:
        # A task is in its decision's transaction, but on another topic: one more look after the last answer.
        while answers.count < len(records) or time.monotonic() < settled_s:
            for message in poll_records(reader, 0.2):
                _take(console, message, settings, answers, ads)
                settled_s = time.monotonic() + 0.7
            if time.monotonic() > until:
                raise DemoError(f"{answers.count} of {len(records)} submissions answered in {_ANSWERS_WITHIN_S:.0f} s")
    finally:
        reader.close()
    return answers


def _take(console: Console, message: Message, settings: Settings, answers: Answers, ads: dict[str, bytes]) -> None:
    if message.topic() == settings.dead_letters_topic:
        answers.letters.append(message)
    elif message.topic() == settings.review_tasks_topic:
        answers.tasks.append(ReviewTask.model_validate_json(message.value() or b""))
    else:
        decision = Decision.model_validate_json(message.value() or b"")
        answers.decisions.append(decision)
        ad: dict[str, Any] = json.loads(ads[decision.ad_id])
        show_decision(console, decision, ad)


def _show_emergency(
    console: Console, broker: EmbeddedBroker, settings: Settings, answers: Answers, records: list[tuple[bytes, bytes]]
) -> None:
    """Block the host of an ad that was approved, send the ad again, and print what becomes of it."""
    try:
        host, ad = choose_ad(answers.decisions, records)
        took_s = block_host(host, broker.bootstrap)
    except EmergencyError as error:
        raise DemoError(f"the emergency block failed: {error}") from None
    console.print(
        f"\n[bold]Emergency[/]: `sluice block host {host} --for 1h`: in force after {took_s:.1f} s; once more:"
    )
    broker.send(settings.submissions_topic, [(ad["ad_id"].encode(), json.dumps(ad, ensure_ascii=False).encode())])
    reader = broker.open_reader((settings.decisions_topic,))
    until = time.monotonic() + _ANSWERS_WITHIN_S
    try:
        while time.monotonic() < until:
            for message in poll_records(reader, 0.2):
                decision = Decision.model_validate_json(message.value() or b"")
                if (decision.ad_id, decision.revision) == (ad["ad_id"], ad["revision"]):
                    show_decision(console, decision, ad)
                    return
    finally:
        reader.close()
    raise DemoError(f"no answer to {ad['ad_id']} in {_ANSWERS_WITHIN_S:.0f} s")


def _hold(console: Console, broker: EmbeddedBroker) -> None:
    console.print(f"\nHeld: send more to {broker.bootstrap}, topic ads.submissions; Ctrl-C ends it.")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("bye")
