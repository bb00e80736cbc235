"""The command `python -m deploy.kafka.broker start|stop|status|fetch`: an Apache Kafka on this machine, for trials.

Exit status: 0 done, 1 not running (status), 2 this machine lacks something; the one line on stderr says what.
"""

import argparse
import sys
from pathlib import Path

from deploy.kafka.cluster import Cluster
from deploy.kafka.jars import UnavailableError, fetch_jars, find_java

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / ".run" / "kafka" / "broker"
PORT = 19_092
STOPPED, LACKING = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks and return the exit status."""
    asked = _parse(arguments)
    try:
        return _ACTIONS[asked.action](asked)
    except UnavailableError as error:
        print(f"kafka: {error}", file=sys.stderr)
        return LACKING


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka.broker", description="Apache Kafka for trials.")
    parser.add_argument("action", choices=sorted(_ACTIONS))
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where it keeps its data (%(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="the first broker's port, on loopback (%(default)s)")
    parser.add_argument("--brokers", type=int, default=1, help="how many (%(default)s)")
    return parser.parse_args(arguments)


def _start(asked: argparse.Namespace) -> int:
    ports = [(asked.port + 2 * number, asked.port + 2 * number + 1) for number in range(asked.brokers)]
    cluster = Cluster(asked.directory, ports)
    before = Cluster.found_in(asked.directory)
    if before is not None and before.nodes != cluster.nodes:
        raise UnavailableError(
            f"{asked.directory} holds a cluster at {before.bootstrap}: stop it and remove that folder first"
        )
    cluster.start()
    print(f"Kafka is ready at {cluster.bootstrap} (its data and log: {cluster.directory})")
    return 0


def _stop(asked: argparse.Namespace) -> int:
    cluster = Cluster.found_in(asked.directory)
    if cluster is not None:
        cluster.stop()
    print("Kafka is stopped")
    return 0


def _status(asked: argparse.Namespace) -> int:
    cluster = Cluster.found_in(asked.directory)
    if cluster is None or not cluster.is_ready():
        print("Kafka is not running")
        return STOPPED
    print(f"Kafka is ready at {cluster.bootstrap}")
    return 0


def _fetch(_: argparse.Namespace) -> int:
    find_java()
    print(f"Kafka's jars are in {fetch_jars()}")
    return 0


_ACTIONS = {"start": _start, "stop": _stop, "status": _status, "fetch": _fetch}

if __name__ == "__main__":
    sys.exit(main())
