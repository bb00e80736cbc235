"""Asks a broker, in Kafka's own protocol, how many brokers it knows: an open port alone is not a broker that serves.

`cluster.py` waits with it. No client library: forty bytes out, and the first number of the answer is what counts.
"""

import socket
import struct

_METADATA_KEY = 3
_METADATA_VERSION = 1  # the oldest in which an empty list of topics means "none", so the answer stays small
_CLIENT = b"sluice-handshake"
_TIMEOUT_S = 2.0
_MAX_ANSWER_BYTES = 1 << 20
_HEAD_BYTES = 8  # the correlation id and the count of brokers


def count_brokers(host: str, port: int) -> int:
    """Return how many live (unfenced) brokers the one at `host:port` lists; 0 if it does not answer as a broker.

    Blocks for 2 s at most for each read.
    """
    header = struct.pack(">hhih", _METADATA_KEY, _METADATA_VERSION, 1, len(_CLIENT)) + _CLIENT
    request = header + struct.pack(">i", 0)
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", _read(connection, 4))
            if not _HEAD_BYTES <= size <= _MAX_ANSWER_BYTES:
                return 0
            answer = _read(connection, size)
    except OSError:
        return 0
    correlation, brokers = struct.unpack(">ii", answer[:_HEAD_BYTES])
    return max(brokers, 0) if correlation == 1 else 0


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionResetError("the broker closed the connection")
        data += part
    return data
