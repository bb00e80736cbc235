"""Makes the submission that a replay puts back: the record as it was, mended, checked, and its partition.

A step of `replay.py`. A dead letter that was cut is not put back as it is: the original is read at its coordinates.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.contracts import dead_letter as headers_of
from service.contracts.control import AnyControl, Replay, name_replay
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.worker.connection import Connection
from service.worker.dead_letter_record import Headers, measure_record
from service.worker.dead_letters import StoredDeadLetter
from service.worker.topic_reading import ReadRecord, open_topic
from service.worker.topics_cluster import RefusedByBrokerError

Ledger = Mapping[str, AnyControl]


class ReplayRefusedError(ValueError):
    """This dead letter is not put back; the text says why and what to do."""


class ReplayedBeforeError(ReplayRefusedError):
    """The ledger says that it was put back before."""


@dataclass(frozen=True)
class ReplayOptions:
    """How to replay. `mended` replaces the value; `again` repeats a replay; `unchecked` skips reading the value."""

    by: str
    mended: bytes | None = None
    again: bool = False
    unchecked: bool = False
    dry_run: bool = False


class PreparedReplay(NamedTuple):
    """The record to write; `partition` None: the key decides."""

    letter: StoredDeadLetter
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes | None]]
    partition: int | None


@dataclass(frozen=True)
class ReplayPreparer:
    """Makes submissions for `topic`, which has `partitions` partitions and takes `max_bytes`."""

    connection: Connection
    options: ReplayOptions
    ledger: Ledger
    topic: str
    partitions: int
    max_bytes: int

    async def prepare(self, letter: StoredDeadLetter) -> PreparedReplay:
        """Return what to write for `letter` to `topic`. Raises ReplayRefusedError; reads originals from Kafka."""
        entry = self.ledger.get(name_replay(*letter.at))
        if isinstance(entry, Replay) and not self.options.again:
            when = entry.at.isoformat(timespec="seconds")
            raise ReplayedBeforeError(f"replayed already by {entry.by} at {when}; pass --again to repeat it")
        key, value, headers = await self._restore(letter)
        if self.options.mended is not None:
            value = self.options.mended
        if not value:
            raise ReplayRefusedError("it has no value; supply one with --value FILE")
        ad_id = None if self.options.unchecked else _check(value)
        if key is None and headers_of.CUT_KEY in letter.told and ad_id is not None:
            key = ad_id.encode()  # the key was too long to keep, and a submission's key is its ad's id
        headers = [*headers, (headers_of.REPLAYED_FROM, str(letter.at).encode())]
        if (size := measure_record(key, value, headers)) > self.max_bytes:
            raise ReplayRefusedError(f"it has {size:,} bytes, {self.topic} takes {self.max_bytes:,}; shorten it")
        return PreparedReplay(letter, key, value, headers, self._choose_partition(letter))

    async def _restore(self, letter: StoredDeadLetter) -> tuple[bytes | None, bytes | None, Headers]:
        """Return the record as it was: the dead letter's, or the original's where the dead letter was cut."""
        source: StoredDeadLetter | ReadRecord = letter
        if letter.is_cut and self.options.mended is None:
            source = await self._fetch_original(letter)
        kept = [
            (name, value)
            for name, value in source.headers
            if not name.startswith(headers_of.HEADER_PREFIX) and name != headers_of.REPLAYED_FROM
        ]
        return source.key, source.value, kept

    async def _fetch_original(self, letter: StoredDeadLetter) -> ReadRecord:
        remedy = "supply the value with --value FILE"
        if (origin := letter.origin) is None:
            raise ReplayRefusedError(f"it was cut and does not say where the original lies; {remedy}")
        try:
            async with open_topic(self.connection, origin.topic) as reader:
                record = await reader.read_one(origin.partition, origin.offset)
        except RefusedByBrokerError as error:
            raise ReplayRefusedError(f"it was cut, and its original cannot be read: {error}; {remedy}") from None
        if record is None:
            raise ReplayRefusedError(f"it was cut, and its original {origin} is no longer there; {remedy}")
        if hashlib.sha256(record.value or b"").hexdigest() != _hash_original(letter):
            raise ReplayRefusedError(f"it was cut, and what lies at {origin} now is another record; {remedy}")
        return record

    def _choose_partition(self, letter: StoredDeadLetter) -> int | None:
        # The partition it came from keeps it in order with its key; without one the key decides.
        origin = letter.origin
        if origin is None or origin.topic != self.topic or origin.partition >= self.partitions:
            return None
        return origin.partition


def _check(value: bytes) -> str:
    try:
        submission, _ = read_submission(value)
    except UnreadableSubmissionError as error:
        reason = error.dead_letter
        text = f"it would become a dead letter again ({reason.error}): {reason.message}"
        raise ReplayRefusedError(f"{text}; mend it with --value FILE, or pass --unchecked") from None
    return submission.ad_id


def _hash_original(letter: StoredDeadLetter) -> str:
    return letter.told.get(headers_of.CUT_SHA256) or hashlib.sha256(letter.value or b"").hexdigest()
