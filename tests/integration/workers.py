"""Worker processes for integration tests: the real command, started, watched, killed and frozen like any process."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.kafka.ports import free_ports
from service.worker.topics_file import ROLES

ROOT = Path(__file__).resolve().parents[2]
SLUICE = ("-m", "service")


def name_topics(prefix: str) -> dict[str, str]:
    """Return the settings that name topics of one test's own."""
    return {f"SLUICE_{role.upper()}_TOPIC": f"{prefix}.{role}" for role in ROLES}


class WorkerProcess:
    """One `sluice worker`, or another Python program that is one; its log goes to a file."""

    def __init__(self, environment: Mapping[str, str], log: Path, *program: str) -> None:
        self.port = free_ports(1)[0]
        self.log = log
        self._command = [sys.executable, *(program or (*SLUICE, "worker"))]
        self.environment = {**os.environ, **environment, "SLUICE_WEB_PORT": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process as started last."""
        assert self._process is not None, "not started"
        return self._process

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self.process.send_signal(number)

    def restart_if_ended(self) -> bool:
        """Do what a supervisor does; returns whether it had ended."""
        ended = self.process.poll() is not None
        if ended:
            self.start()
        return ended

    def stop(self, within_s: float = 30.0) -> int:
        """Ask it to stop as a deployment does, and return the exit code."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.wait(within_s)

    def wait(self, within_s: float = 30.0) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(within_s)

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a page; status 0 while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_for(self, path: str, status: int, within_s: float = 40.0) -> str:
        """Wait until a page answers with `status` and return its body; tells the log if it never does."""
        until = time.monotonic() + within_s
        while True:
            found, body = self.get(path)
            if found == status:
                return body
            if time.monotonic() > until:
                raise AssertionError(f"{path} answered {found}, not {status}: {body}\n{self.read_log()[-4_000:]}")
            time.sleep(0.1)

    def wait_ready(self, within_s: float = 40.0) -> None:
        """Wait until it decides ads."""
        self.wait_for("/readyz", 200, within_s)

    def read_log(self) -> str:
        """Return what it has logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def read_events(self, name: str) -> list[dict[str, Any]]:
        """Return the log's events of one name."""
        lines = [json.loads(line) for line in self.read_log().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def read_metric(self, start: str) -> float:
        """Return the sum of the samples whose line starts with `start`."""
        _, body = self.get("/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if line.startswith(start))

    def wait_for_metric(self, start: str, value: float, within_s: float = 40.0) -> None:
        """Wait until a metric, summed as `read_metric` does, has `value`; tells the page if it never has."""
        until = time.monotonic() + within_s
        while self.get("/metrics")[0] != 200 or self.read_metric(start) != value:
            if time.monotonic() > until:
                page = self.get("/metrics")[1]
                found = [line for line in page.splitlines() if line.startswith(start)]
                raise AssertionError(f"{start} is not {value}: {found}\n{self.read_log()[-4_000:]}")
            time.sleep(0.1)
