"""Builds a dead letter: the record that could not be read, with the why in its headers, cut where it would not fit.

Pure. A record that the dead-letter topic refuses would make its transaction fail for ever, so the result always fits:
what is too long is cut or dropped, and headers say so; the whole record still lies at its coordinates.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from service.contracts.dead_letter import (
    BUILD,
    CAUSED_BY,
    CLASS_NAME,
    CUT_BYTES,
    CUT_HEADERS,
    CUT_KEY,
    CUT_SHA256,
    HEADER_PREFIX,
    MESSAGE,
    OFFSET,
    PARTITION,
    PLACE,
    TIMESTAMP,
    TOPIC,
    DeadLetter,
)
from service.worker.outputs import InputRecord

Headers = Sequence[tuple[str, bytes | None]]

LEAST_BYTES = 8_192
"""With a topic limit from here up the result fits; below, what remains is as small as it gets."""

# Kafka's record batch, version 2: the batch's header, then for each record its length, attributes, two deltas, the
# lengths of key and value, and the number of headers; each header has two lengths. A length is a varint of 1-5 bytes.
_BATCH_BYTES = 61
_RECORD_BYTES = 5 + 1 + 10 + 5 + 5 + 5 + 5
_HEADER_BYTES = 5 + 5

_MESSAGE_BYTES = 4_000
_TEXT_BYTES = 256
_CUT_RESERVE_BYTES = 512
"""Room for the headers that tell of cuts."""


class DeadLetterRecord(NamedTuple):
    """What is written to the dead-letter topic."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def build_dead_letter(record: InputRecord, letter: DeadLetter, build: str, max_bytes: int) -> DeadLetterRecord:
    """Return `record` with the headers of `letter`, at most `max_bytes` as a Kafka batch of its own. Never raises."""
    kept = [(key, value) for key, value in record.headers if not key.startswith(HEADER_PREFIX)]
    headers = [*kept, *_explain(record, letter, build)]
    if len(kept) < len(record.headers):  # a sender's headers must not pass for ours
        headers.append((CUT_HEADERS, _encode(len(record.headers) - len(kept))))
    if measure_record(record.key, record.value, headers) <= max_bytes:
        return DeadLetterRecord(record.key, record.value, headers)
    return _cut(record, _explain(record, letter, build), kept, max_bytes)


def measure_record(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Return the most bytes that the record can take as a batch of its own."""
    body = len(key or b"") + len(value or b"") + sum(_measure_header(key, value) for key, value in headers)
    return _BATCH_BYTES + _RECORD_BYTES + body


def _explain(record: InputRecord, letter: DeadLetter, build: str) -> list[tuple[str, bytes | None]]:
    return [
        (TOPIC, _encode(record.topic)),
        (PARTITION, _encode(record.partition)),
        (OFFSET, _encode(record.offset)),
        (TIMESTAMP, _encode(record.timestamp)),
        (CAUSED_BY, _encode(letter.caused_by)),
        (CLASS_NAME, _encode(letter.error)),
        (MESSAGE, _encode(letter.message, _MESSAGE_BYTES)),
        (PLACE, _encode(letter.place)),
        (BUILD, _encode(build)),
    ]


def _cut(record: InputRecord, explained: Headers, kept: Headers, max_bytes: int) -> DeadLetterRecord:
    room = max_bytes - measure_record(None, None, explained) - _CUT_RESERVE_BYTES
    key = record.key
    cuts: list[tuple[str, bytes | None]] = []
    if key is not None and len(key) > room // 4:
        cuts.append((CUT_KEY, _encode(len(key))))
        key = None
    room -= len(key or b"")
    headers = _take(kept, room // 4)
    if len(headers) < len(record.headers):
        cuts.append((CUT_HEADERS, _encode(len(record.headers) - len(headers))))
    room -= sum(_measure_header(*header) for header in headers)
    value = record.value
    if value is not None and len(value) > room:
        cuts += [(CUT_SHA256, _encode(hashlib.sha256(value).hexdigest())), (CUT_BYTES, _encode(len(value)))]
        value = value[: max(room, 0)]
    return DeadLetterRecord(key, value, [*headers, *explained, *cuts])


def _take(headers: Headers, room: int) -> list[tuple[str, bytes | None]]:
    """Return the headers, in order, that fit into `room` bytes; a long one is passed over, not the ones after it."""
    taken = []
    for header in headers:
        size = _measure_header(*header)
        if size <= room:
            taken.append(header)
            room -= size
    return taken


def _measure_header(key: str, value: bytes | None) -> int:
    return _HEADER_BYTES + len(key.encode("utf-8", "surrogatepass")) + len(value or b"")


def _encode(value: object, most_bytes: int = _TEXT_BYTES) -> bytes:
    # A lone surrogate, which JSON can hold, is spelled out; a character is not cut in two.
    encoded = str(value).encode("utf-8", "backslashreplace")
    return encoded if len(encoded) <= most_bytes else encoded[:most_bytes].decode("utf-8", "ignore").encode()


def read_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Return the `sluice.errors.` headers of a dead letter as text; the last of a name counts."""
    return {key: (value or b"").decode("utf-8", "replace") for key, value in headers if key.startswith(HEADER_PREFIX)}
