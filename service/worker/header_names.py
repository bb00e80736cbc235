r"""Keeps one record whose header has a name that is not UTF-8 from stopping its partition for ever.

Kafka takes such a record; aiokafka's parser raises UnicodeDecodeError at every fetch of it, so that nothing behind it
would ever be read. Here the batch is parsed again by aiokafka's Python parser with the name's odd bytes spelled out
(`\xff`). Every other batch keeps the fast parser.
"""

from collections.abc import Iterator
from typing import Any

import aiokafka.consumer.fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_AT = 8
_LENGTH_ENDS = 12
_MAGIC_AT = 16
_WITH_HEADERS = 2  # records have headers since this version of the format


def accept_any_header_name() -> None:
    """Make all aiokafka consumers of this process read such records; repeating it changes nothing."""
    aiokafka.consumer.fetcher.MemoryRecords = TolerantRecords


class TolerantRecords:
    """The batches of one fetched partition, as `MemoryRecords` gives them, none of which stops at a header's name."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._records = MemoryRecords(data)
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> Any:  # noqa: ANN401 - aiokafka's parsers are untyped
        """Return the next batch; None after the last."""
        batch = self._records.next_batch()
        start = self._at
        self._at += _LENGTH_ENDS + int.from_bytes(self._data[start + _LENGTH_AT : start + _LENGTH_ENDS], "big")
        if batch is None or self._data[start + _MAGIC_AT] < _WITH_HEADERS or batch.is_control_batch:
            return batch
        return _TolerantBatch(batch, memoryview(self._data)[start : self._at])


class _TolerantBatch:
    """A batch that is parsed again, tolerantly, where aiokafka's parser gave up."""

    def __init__(self, batch: Any, data: memoryview) -> None:  # noqa: ANN401 - aiokafka's parsers are untyped
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the fetcher asks a batch
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._batch
        except UnicodeDecodeError:
            # The fetcher passes over the records that it got before.
            yield from _BatchOfAnyNames(self._data)


class _BatchOfAnyNames(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _OddBytes(self._buffer)


class _OddBytes(bytearray):
    """Bytes whose parts can always be decoded."""

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - an index or a slice
        found = super().__getitem__(key)
        return _OddBytes(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        """Return the text with bytes that are not UTF-8 spelled out."""
        return super().decode(encoding, errors)
