"""Chooses loopback ports that stay a stopped broker's own."""

import random
import socket

HOST = "127.0.0.1"
# Below what Linux, BSD and Windows give to outgoing connections. From that range, a client that keeps knocking at a
# stopped broker's port may be connected to itself, and the broker could never have its port back.
_RANGE = range(20_000, 32_000)
_TRIES = 200


def is_free(port: int) -> bool:
    """Return whether a server can listen on `port` of the loopback address now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return `count` different free ports, chosen at random so that two sessions seldom meet.

    Raises OSError if none can be found.
    """
    found: list[int] = []
    for port in random.sample(_RANGE, _TRIES):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports on {HOST} between {_RANGE.start} and {_RANGE.stop}")
