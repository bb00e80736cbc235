"""Fixtures for tests with real workers: topics and a group of the test's own, and workers that end with it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from service.cli import app
from service.worker.topics_file import LEDGERS
from tests.integration.strategies import Strategist, write_strategies
from tests.integration.workers import WorkerProcess, name_topics
from tests.kafka_broker import KafkaBroker

PARTITIONS = 4

StartWorker = Callable[..., WorkerProcess]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environment(kafka: KafkaBroker, unique: str) -> dict[str, str]:
    """Make the topics of a group and return what its workers need to know; timeouts are short."""
    names = name_topics(unique)
    ledgers = [names[f"SLUICE_{role.upper()}_TOPIC"] for role in LEDGERS]
    kafka.create_topics(*(name for name in names.values() if name not in ledgers), partitions=PARTITIONS)
    kafka.create_topics(*ledgers, config={"cleanup.policy": "compact"})
    return {
        **names,
        "SLUICE_BROKERS": kafka.bootstrap,
        "SLUICE_GROUP": unique,
        "SLUICE_TOPICS_CHECK": "partitions",
        "SLUICE_SESSION_TIMEOUT_S": "6",
        "SLUICE_HEARTBEAT_INTERVAL_S": "1",
        "SLUICE_TRANSACTION_TIMEOUT_S": "6",
        "SLUICE_MONITOR_INTERVAL_S": "0.2",
        "SLUICE_STATUS_INTERVAL_S": "0.5",
    }


@pytest.fixture
def start_worker(environment: dict[str, str], tmp_path: Path) -> Iterator[StartWorker]:
    """Return a function that starts a worker: `changes` to its environment, another `program` than `sluice worker`."""
    started: list[WorkerProcess] = []

    def start(changes: Mapping[str, str] | None = None, program: tuple[str, ...] = ()) -> WorkerProcess:
        worker = WorkerProcess({**environment, **(changes or {})}, tmp_path / f"worker-{len(started)}.log", *program)
        started.append(worker)
        worker.start()
        return worker

    try:
        yield start
    finally:
        for worker in started:
            worker.end()


@pytest.fixture
def kim(environment: dict[str, str], tmp_path: Path) -> Strategist:
    """Return a strategist whose public key all workers of the test know; none decides by its image's bundle."""
    keys = tmp_path / "keys"
    environment.update({"SLUICE_STRATEGY_KEYS_DIR": str(keys), "SLUICE_IMAGE_BUNDLE": "never"})
    Strategist(environment).type("strategy", "keygen", "kim", "--to", keys)
    return Strategist(environment, keys / "kim.key")


@pytest.fixture
def first_version(kim: Strategist, tmp_path: Path) -> Path:
    """Publish version 1 of a small bundle as live, before any worker comes, and return its folder."""
    folder = write_strategies(tmp_path / "v1", "1")
    kim.type("strategy", "publish", folder, "--channel", "live", "--reason", "begin", "--no-wait")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command of the CLI in this process: its status, output and errors."""

    def run_command(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app([*map(str, arguments)], result_action="print_non_int_sys_exit")
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run_command
