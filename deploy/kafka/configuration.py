"""Writes a test broker's server.properties: KRaft, loopback only, every topic made on purpose."""

from dataclasses import dataclass
from pathlib import Path

from deploy.kafka.ports import HOST


@dataclass(frozen=True)
class Node:
    """One KRaft process that is broker and controller; both ports are on the loopback address."""

    number: int
    port: int
    controller_port: int

    def directory(self, cluster: Path) -> Path:
        """Return where this node keeps its settings, log and data."""
        return cluster / f"node-{self.number}"


def server_properties(node: Node, nodes: list[Node], data: Path) -> str:
    """Return the text of `node`'s server.properties in a cluster of `nodes`, with its data in `data`."""
    replicas = min(3, len(nodes))
    in_sync = max(1, replicas - 1)
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(f"{other.number}@{HOST}:{other.controller_port}" for other in nodes),
        "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
        # a topic that nobody declared is a mistake to be seen, in tests as in production
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # tests start groups all the time and kill members: no waiting for a crowd, sessions down to a second,
        # transactions of the dead looked for each second (10 s) where a broker in production takes its time
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        # a killed broker that is back must wait until its former life has timed out (9 s)
        "broker.heartbeat.interval.ms": 1000,
        "broker.session.timeout.ms": 5000,
        # one small machine runs it beside the tests
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.num.partitions": 8,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "log.index.size.max.bytes": 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
