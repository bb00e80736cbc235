"""A record as the worker consumes it, for tests that need no broker to make one."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Consumed:
    """The fields of aiokafka's record that the service reads; `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
