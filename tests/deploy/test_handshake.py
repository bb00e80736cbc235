"""Only a broker that answers in Kafka's protocol counts as ready."""

import socket
import struct
import threading

import pytest

from deploy.kafka.handshake import count_brokers
from deploy.kafka.ports import HOST, free_ports, is_free
from tests.kafka_broker import KafkaBroker


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (struct.pack(">iii", 8, 1, 3), 3),
        (struct.pack(">iii", 8, 2, 3), 0),  # an answer to another request
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 0),
        (struct.pack(">i", 8) + b"cut", 0),
        (b"", 0),
    ],
)
def test_the_answer_is_read_strictly(answer: bytes, count: int) -> None:
    """A metadata answer gives its brokers; anything else that listens gives none."""
    with socket.create_server((HOST, 0)) as listener:
        server = threading.Thread(target=_answer_once, args=(listener, answer))
        server.start()
        assert count_brokers(HOST, listener.getsockname()[1]) == count
        server.join()


def test_nobody_listens() -> None:
    """A closed port is no broker, and is free for one."""
    (port,) = free_ports(1)
    assert count_brokers(HOST, port) == 0
    assert is_free(port)


def test_a_real_broker_lists_itself(kafka: KafkaBroker) -> None:
    """Apache Kafka answers the handshake, and its port is taken."""
    (node,) = kafka.cluster.nodes
    assert count_brokers(HOST, node.port) == 1
    assert not is_free(node.port)
