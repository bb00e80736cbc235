"""Finds dead letters in their topic: the newest that match, all that match, or one by its coordinates.

What `sluice dead-letters list|show` reads, and what `replay.py` puts back.
"""

import heapq
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from service.contracts import dead_letter as headers_of
from service.worker.connection import Connection
from service.worker.dead_letter_record import read_headers
from service.worker.topic_reading import ReadRecord, open_topic


class Coordinates(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"


@dataclass(frozen=True)
class StoredDeadLetter:
    """A dead letter as it lies in its topic. `told` holds its `sluice.errors.` headers as text."""

    at: Coordinates
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    told: Mapping[str, str] = field(repr=False)

    @property
    def origin(self) -> Coordinates | None:
        """Where the record that could not be read lies; None if the headers do not say."""
        partition, offset = self.told.get(headers_of.PARTITION, ""), self.told.get(headers_of.OFFSET, "")
        if not (partition.isdecimal() and offset.isdecimal() and self.told.get(headers_of.TOPIC)):
            return None
        return Coordinates(self.told[headers_of.TOPIC], int(partition), int(offset))

    @property
    def is_cut(self) -> bool:
        """Whether something of the original is missing here."""
        return any(name in self.told for name in (headers_of.CUT_SHA256, headers_of.CUT_KEY, headers_of.CUT_HEADERS))


class Selection(NamedTuple):
    """Which dead letters are meant; None leaves a condition out. `since_ms` is in milliseconds since 1970."""

    cause: str | None = None
    caused_by: str | None = None
    since_ms: int | None = None

    def matches(self, letter: StoredDeadLetter) -> bool:
        """Return whether this dead letter is meant."""
        return (
            (self.cause is None or letter.told.get(headers_of.CLASS_NAME) == self.cause)
            and (self.caused_by is None or letter.told.get(headers_of.CAUSED_BY) == self.caused_by)
            and (self.since_ms is None or letter.timestamp_ms >= self.since_ms)
        )


async def read_dead_letters(
    connection: Connection, topic: str, selection: Selection
) -> AsyncGenerator[StoredDeadLetter, None]:
    """Yield what matches, as of now, in the order of each partition. Raises as `open_topic`."""
    async with open_topic(connection, topic) as reader:
        async for record in reader.read_to_end(selection.since_ms):
            if selection.matches(letter := to_dead_letter(record)):
                yield letter


async def list_newest(connection: Connection, topic: str, selection: Selection, limit: int) -> list[StoredDeadLetter]:
    """Return the newest `limit` that match, newest first, without their values: they may be megabytes each."""
    newest: list[tuple[int, int, int, StoredDeadLetter]] = []
    async for letter in read_dead_letters(connection, topic, selection):
        entry = (letter.timestamp_ms, letter.at.offset, letter.at.partition, replace(letter, value=None))
        if len(newest) < limit:
            heapq.heappush(newest, entry)
        else:
            heapq.heappushpop(newest, entry)
    return [letter for *_, letter in sorted(newest, key=lambda entry: entry[:3], reverse=True)]


async def fetch_dead_letter(connection: Connection, topic: str, partition: int, offset: int) -> StoredDeadLetter | None:
    """Return the dead letter at these coordinates, None if there is none. Raises as `open_topic`."""
    async with open_topic(connection, topic) as reader:
        record = await reader.read_one(partition, offset)
    return None if record is None else to_dead_letter(record)


def to_dead_letter(record: ReadRecord) -> StoredDeadLetter:
    """Return the record with its headers read."""
    return StoredDeadLetter(
        Coordinates(record.topic, record.partition, record.offset),
        record.timestamp,
        record.key,
        record.value,
        record.headers,
        read_headers(record.headers),
    )
