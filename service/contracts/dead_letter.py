"""Topic `ads.dead-letters`: a record that could not be read, byte for byte, with the why in its headers.

Key, value and headers are the original's. The headers below are added; they say what Kafka Connect's
`__connect.errors.*` say. All values are UTF-8 text.
"""

from enum import StrEnum
from typing import NamedTuple

HEADER_PREFIX = "sluice.errors."
TOPIC = HEADER_PREFIX + "topic"
PARTITION = HEADER_PREFIX + "partition"
OFFSET = HEADER_PREFIX + "offset"
TIMESTAMP = HEADER_PREFIX + "timestamp"
CAUSED_BY = HEADER_PREFIX + "caused.by"
CLASS_NAME = HEADER_PREFIX + "exception.class.name"
MESSAGE = HEADER_PREFIX + "exception.message"
PLACE = HEADER_PREFIX + "place"
BUILD = HEADER_PREFIX + "build"
CUT_SHA256 = HEADER_PREFIX + "value.sha256"
CUT_BYTES = HEADER_PREFIX + "value.bytes"
CUT_KEY = HEADER_PREFIX + "key.bytes"
CUT_HEADERS = HEADER_PREFIX + "headers.dropped"
HEADERS = {
    TOPIC: "Topic that the record was read from.",
    PARTITION: "Its partition, as a decimal number.",
    OFFSET: "Its offset, as a decimal number.",
    TIMESTAMP: "The record's own timestamp, in milliseconds since 1970.",
    CAUSED_BY: "Who has to mend it: sender or service.",
    CLASS_NAME: "The error class.",
    MESSAGE: "What is wrong, where, and the remedy.",
    PLACE: "Path of the field, or the byte or character, where it is wrong.",
    BUILD: "The build that could not read it.",
}
"""The headers that every dead letter has, and their meanings."""

CUT_HEADERS_ADDED = {
    CUT_SHA256: "Only if the value was cut to fit the topic: SHA-256 of the whole value, in hexadecimal.",
    CUT_BYTES: "Only if the value was cut to fit the topic: length of the whole value in bytes.",
    CUT_KEY: "Only if the key was dropped to fit the topic: its length in bytes.",
    CUT_HEADERS: "Only if headers of the original were dropped to fit the topic: how many.",
}
"""The headers that only a dead letter has that was cut."""

REPLAYED_FROM = "sluice.replayed.from"
"""On a submission that `sluice dead-letters replay` put back: `topic-partition-offset` of the dead letter."""


class CausedBy(StrEnum):
    """Who has to mend it."""

    SENDER = "sender"
    SERVICE = "service"


class Unreadable(StrEnum):
    """The error classes of a dead letter; also the bounded values of the metric's `cause` label."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    NOT_A_NUMBER = "not_a_number"
    INVALID_FIELD = "invalid_field"
    READER_FAILED = "reader_failed"


class DeadLetter(NamedTuple):
    """Why one record cannot be read. `place` is a field path or a byte position; `message` ends with the remedy."""

    error: Unreadable
    caused_by: CausedBy
    place: str
    message: str
