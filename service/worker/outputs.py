"""What a chunk of submissions became: the records for each output topic, and what to count once they are durable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from service.moderate import PendingPairs
from service.observability.metrics import ChunkTally


class OutputRecord(NamedTuple):
    """A record for an output topic; it goes to the partition number that its submission came from."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(slots=True)
class ChunkOutputs:
    """Everything that one chunk gave, and the build that gave it. Nothing of it counts before it is committed."""

    decisions: list[OutputRecord] = field(default_factory=list)
    review_tasks: list[OutputRecord] = field(default_factory=list)
    dead_letters: list[OutputRecord] = field(default_factory=list)
    tally: ChunkTally = field(default_factory=ChunkTally)
    pairs: PendingPairs | None = None
    build: str = ""


class InputRecord(Protocol):
    """A consumed record, as aiokafka gives it; `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Pipeline(Protocol):
    """Turns the records of one chunk into outputs: pure computing, run in a thread, never on the event loop."""

    def __call__(self, records: Sequence[InputRecord]) -> ChunkOutputs:
        """Return one output for each record: a decision (with a review task where uncertain) or a dead letter."""
        ...
