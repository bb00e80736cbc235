"""The ads of a backtest as they lie in their source: bytes with a place, gathered into blocks that cores share out."""

import hashlib
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from service.contracts.submission import MAX_SUBMISSION_BYTES

BLOCK_ADS = 512
_BLOCK_BYTES = 4_194_304
_LONGEST_LINE_BYTES = MAX_SUBMISSION_BYTES + 2


class AdsError(ValueError):
    """The ads cannot be read at all; the text says why and what to do."""


class AdRecord(NamedTuple):
    """A submission that is not yet read: a line of a file, a row, or a record of a topic.

    `offset` is the line's number from 0, or the record's offset; `received_at` is None where the source has no clock.
    """

    value: bytes | None
    topic: str
    partition: int
    offset: int
    received_at: datetime | None = None


def name_place(record: AdRecord) -> str:
    """Return where an ad lies, for people: a line of a file counts from 1."""
    if record.topic == "file":
        return f"line {record.offset + 1}"
    return f"{record.topic}[{record.partition}]@{record.offset}"


class AdSource:
    """Hands ads on in blocks, in order, and remembers how many there were and what they were."""

    def __init__(self, records: Iterable[AdRecord]) -> None:
        self._records = records
        self._digest = hashlib.sha256()
        self.ads = 0
        self.read_bytes = 0

    @property
    def sha256(self) -> str:
        """Over each value's length and bytes, in order."""
        return self._digest.hexdigest()

    def cut_blocks(self, block_ads: int = BLOCK_ADS) -> Iterator[list[AdRecord]]:
        """Yield blocks of at most `block_ads` ads and about 4 MB."""
        block: list[AdRecord] = []
        size = 0
        for record in self._records:
            value = record.value or b""
            self._digest.update(b"%d\0" % len(value) + value)
            self.ads += 1
            self.read_bytes += len(value)
            block.append(record)
            size += len(value)
            if len(block) == block_ads or size > _BLOCK_BYTES:
                yield block
                block, size = [], 0
        if block:
            yield block


def read_json_lines(path: Path) -> Generator[AdRecord]:
    """Yield the lines of a file that are not blank. Raises AdsError if it cannot be opened."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise AdsError(f"{path}: {error.strerror}; name a file of JSON Lines or Parquet, or kafka:TOPIC") from None
    with file:
        for number, line in enumerate(_read_lines(file)):
            if line.strip():
                yield AdRecord(line.rstrip(b"\r\n"), "file", 0, number)


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE_BYTES):
        # What is longer than any submission is cut, so that it is refused as too long and does not fill the memory.
        rest = line
        while not rest.endswith(b"\n") and len(rest) == _LONGEST_LINE_BYTES:
            rest = file.readline(_LONGEST_LINE_BYTES)
        yield line
