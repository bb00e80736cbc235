"""The broker that the tests trust, seen by a client that is not the worker's."""

from pathlib import Path

import pytest
from confluent_kafka import Producer

from deploy.kafka.cluster import Cluster, end_leftovers
from deploy.kafka.handshake import count_brokers
from deploy.kafka.ports import free_ports
from tests.kafka_broker import KafkaBroker


def test_records_come_back_as_they_were_sent(kafka: KafkaBroker, unique: str) -> None:
    """Keys, values and empty values survive the way through a real broker, byte for byte."""
    kafka.create_topics(unique, partitions=3)
    sent = [(b"a", b"\x00\xff"), (b"b", b"x" * 100_000), (None, b""), (b"c", None)]
    assert kafka.produce(unique, sent) == 4
    assert sorted(map(repr, sent)) == sorted(repr((one.key, one.value)) for one in kafka.read_until(unique, 4))


def test_an_aborted_transaction_is_invisible_to_read_committed(kafka: KafkaBroker, unique: str) -> None:
    """The broker keeps aborted records from a read_committed reader and shows them to the other one."""
    kafka.create_topics(unique)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": unique})
    producer.init_transactions(30)
    for value, finish in ((b"lost", producer.abort_transaction), (b"kept", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(unique, value)
        producer.flush(30)
        finish(30)
    assert [one.value for one in kafka.read(unique)] == [b"kept"]
    assert [one.value for one in kafka.read(unique, "read_uncommitted")] == [b"lost", b"kept"]


def test_a_restart_keeps_address_and_data(kafka: KafkaBroker, unique: str) -> None:
    """What was acknowledged is there after a stop and after a kill, at the same address."""
    kafka.create_topics(unique)
    kafka.produce(unique, [(b"k", b"1")])
    kafka.restart()
    kafka.produce(unique, [(b"k", b"2")])
    kafka.kill()
    assert count_brokers("127.0.0.1", kafka.cluster.nodes[0].port) == 0
    kafka.start()
    assert [one.value for one in kafka.read(unique)] == [b"1", b"2"]


def test_a_topic_is_never_made_by_accident(kafka: KafkaBroker, unique: str) -> None:
    """Writing to a topic that nobody made is an error, not a new topic."""
    with pytest.raises(Exception, match=r"UNKNOWN_TOPIC|Unknown topic"):
        kafka.produce(unique, [(b"k", b"v")], **{"topic.metadata.propagation.max.ms": 500})


def test_two_of_three_brokers_still_serve(kafka_cluster: KafkaBroker, unique: str) -> None:
    """With three brokers, a topic with three replicas takes records while one broker is dead."""
    kafka_cluster.create_topics(unique, replication=3, config={"min.insync.replicas": "2"})
    kafka_cluster.kill(2)
    assert kafka_cluster.produce(unique, [(b"k", b"v")]) == 1
    assert [one.value for one in kafka_cluster.read(unique)] == [b"v"]


def test_a_leftover_of_a_dead_run_is_ended(tmp_path: Path) -> None:
    """A broker whose owner is gone is ended, and one whose owner lives is left alone."""
    port, controller_port = free_ports(2)
    left = Cluster(tmp_path / "left", [(port, controller_port)])
    left.start()
    end_leftovers(tmp_path)
    assert left.is_running(left.nodes[0])
    description = tmp_path / "left" / "cluster.json"
    description.write_text(description.read_text().replace('"owner": ', '"owner": 4194304'))
    end_leftovers(tmp_path)
    assert not left.is_running(left.nodes[0])
    assert not left.directory.exists()
    left.stop()
