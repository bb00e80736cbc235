"""Starts, stops and kills a small Apache Kafka cluster on this machine, for tests and trials.

`broker.py` (the command) and the tests' `kafka` fixture are its two users. A cluster lives in one folder, which names
its ports and processes, so that another process can find and end it.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from deploy.kafka.configuration import Node, server_properties
from deploy.kafka.handshake import count_brokers
from deploy.kafka.jars import UnavailableError, java_command
from deploy.kafka.ports import HOST, is_free
from deploy.kafka.processes import command_of, end_process

_CLUSTER_ID = "c2x1aWNlLWthZmthLXRlcw"  # Kafka wants 16 bytes in URL-safe base64; one id for all: they never meet
_READY_WITHIN_S = 90.0
_POLL_S = 0.1
_LOG_TAIL_LINES = 15


class Cluster:
    """KRaft brokers on loopback ports, one process each, with everything they write in `directory`."""

    def __init__(self, directory: Path, ports: list[tuple[int, int]]) -> None:
        """Describe a cluster with one broker for each (broker port, controller port); nothing is started."""
        self.directory = directory.resolve()
        self.nodes = [Node(number, *pair) for number, pair in enumerate(ports, start=1)]
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    @classmethod
    def found_in(cls, directory: Path) -> "Cluster | None":
        """Return the cluster that another process described in `directory`, or None."""
        try:
            described = json.loads((directory / "cluster.json").read_text())
        except FileNotFoundError:
            return None
        return cls(directory, [(port, controller_port) for port, controller_port in described["ports"]])

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses as clients want them: `host:port,host:port`."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Start every broker that does not run and wait until each one lists them all; blocks for seconds.

        Raises UnavailableError if Java, Maven or a port is missing, or a broker ends or is not ready within 90 s.
        """
        command = java_command("-Xmx512m")
        self.directory.mkdir(parents=True, exist_ok=True)
        described = {"owner": os.getpid(), "ports": [(node.port, node.controller_port) for node in self.nodes]}
        (self.directory / "cluster.json").write_text(json.dumps(described))
        for node in self.nodes:
            if not self.is_running(node):
                self._start_node(node, command)
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop every broker in good order (SIGTERM) and wait until it is gone; the data stays."""
        for node in self.nodes:
            with contextlib.suppress(ProcessLookupError):
                if self.is_running(node):  # all at once first: a broker that waits for the others would wait in vain
                    os.kill(self._pid(node), signal.SIGTERM)
        for node in self.nodes:
            self._end(node, grace_s=20.0)

    def kill(self, number: int | None = None) -> None:
        """Kill broker `number` (1, 2, ...), or all of them, without a farewell (SIGKILL), as a power cut would."""
        for node in self.nodes:
            if number in (None, node.number):
                self._end(node, grace_s=0.0)

    def restart(self) -> None:
        """Stop every broker and start it again on the same ports with the same data."""
        self.stop()
        self.start()

    def is_running(self, node: Node) -> bool:
        """Return whether `node`'s process lives; it may not serve yet."""
        if child := self._children.get(node.number):
            return child.poll() is None  # surer than its command line, which is empty for an instant after its start
        return str(self._settings(node)) in command_of(self._pid(node))

    def is_ready(self) -> bool:
        """Return whether every broker answers and lists all the others."""
        return all(count_brokers(HOST, node.port) == len(self.nodes) for node in self.nodes)

    def _settings(self, node: Node) -> Path:
        return node.directory(self.directory) / "server.properties"

    def _pid(self, node: Node) -> int:
        try:
            return int((node.directory(self.directory) / "pid").read_text())
        except FileNotFoundError:
            return -1

    def _start_node(self, node: Node, command: list[str]) -> None:
        for port in (node.port, node.controller_port):
            if not is_free(port):
                raise UnavailableError(f"{HOST}:{port} is in use by another process: choose another port")
        home, settings = node.directory(self.directory), self._settings(node)
        home.mkdir(exist_ok=True)
        settings.write_text(server_properties(node, self.nodes, home / "data"))
        log = home / "kafka.log"
        with log.open("ab") as output:
            if not (home / "data" / "meta.properties").exists():
                format_data = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(settings)]
                if subprocess.run([*command, *format_data], stdout=output, stderr=output, check=False).returncode != 0:
                    raise UnavailableError(f"Kafka's storage could not be formatted:\n{_tail(log)}")
            # a session of its own: the Ctrl-C that ends a test run must not end the broker before its clients
            child = subprocess.Popen(
                [*command, "kafka.Kafka", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        (home / "pid").write_text(str(child.pid))
        self._children[node.number] = child

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _READY_WITHIN_S
        while not self.is_ready():
            ended = [node for node in self.nodes if not self.is_running(node)]
            if ended or time.monotonic() > until:
                node = ended[0] if ended else self.nodes[0]
                why = "ended" if ended else f"was not ready within {_READY_WITHIN_S:.0f} s"
                log = _tail(node.directory(self.directory) / "kafka.log")
                self.stop()
                raise UnavailableError(f"Kafka broker {node.number} {why}; the end of its log:\n{log}")
            time.sleep(_POLL_S)

    def _end(self, node: Node, grace_s: float) -> None:
        end_process(self._pid(node), str(self._settings(node)), grace_s)
        (node.directory(self.directory) / "pid").unlink(missing_ok=True)
        if child := self._children.pop(node.number, None):
            child.kill()  # without effect on a process that has ended
            child.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])


def end_leftovers(root: Path) -> None:
    """End and remove the clusters under `root` whose owner, the process that started them, is gone."""
    for description in root.glob("*/cluster.json"):
        owner = int(json.loads(description.read_text())["owner"])
        left = Cluster.found_in(description.parent)
        if left is not None and "python" not in command_of(owner):
            left.kill()
            shutil.rmtree(left.directory)
