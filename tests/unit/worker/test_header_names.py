import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from service.worker.header_names import TolerantRecords


class Name(str):
    """A header's name with bytes of its own, as clients in other languages send them."""

    __slots__ = ("octets",)
    octets: bytes

    def encode(self, *_: str) -> bytes:
        return self.octets


def write_batch(names: list[bytes], codec: int = 0, *, base_offset: int = 0) -> bytes:
    """Return a batch with one record a header name."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, -1, 1_000_000)
    for number, octets in enumerate(names):
        name = Name()
        name.octets = octets
        builder.append(number, timestamp=5, key=b"k", value=b"v%d" % number, headers=[(name, b"1"), ("z", None)])
    return base_offset.to_bytes(8, "big") + bytes(builder.build())[8:]


def read(data: bytes) -> list[tuple[int, bytes, list[tuple[str, bytes | None]]]]:
    """Return what the fetcher would take: it passes over the records that it got before."""
    records = TolerantRecords(data)
    assert records.size_in_bytes() == len(data)
    found: dict[int, tuple[int, bytes, list[tuple[str, bytes | None]]]] = {}
    while records.has_next():
        batch = records.next_batch()
        assert batch.next_offset == batch.base_offset + batch.last_offset_delta + 1
        for record in batch:
            found.setdefault(record.offset, (record.offset, record.value, list(record.headers)))
    assert records.next_batch() is None
    return list(found.values())


@pytest.mark.parametrize("codec", range(5))
def test_a_name_that_is_not_utf_8_is_spelled_out_and_the_rest_is_read(codec: int) -> None:
    """The records before and behind it, and the batches behind its batch, arrive unchanged."""
    data = write_batch([b"ok", b"\xff\xfe", b"\xc3\xa9"], codec) + write_batch([b"ok"], base_offset=3)
    assert read(data) == [
        (0, b"v0", [("ok", b"1"), ("z", None)]),
        (1, b"v1", [("\\xff\\xfe", b"1"), ("z", None)]),
        (2, b"v2", [("é", b"1"), ("z", None)]),
        (3, b"v0", [("ok", b"1"), ("z", None)]),
    ]


@pytest.mark.parametrize("codec", range(5))
def test_ordinary_batches_are_read_as_ever(codec: int) -> None:
    """Plain, gzip, snappy, lz4, zstd."""
    data = write_batch([b"aa", b"bb"], codec) + write_batch([b"cc"], codec, base_offset=2)
    assert [(offset, value) for offset, value, _ in read(data)] == [(0, b"v0"), (1, b"v1"), (2, b"v0")]


def test_a_truncated_last_batch_is_left_for_the_next_fetch() -> None:
    """A broker may cut a fetch in the middle of a batch."""
    data = write_batch([b"aa"]) + write_batch([b"bb"], base_offset=1)[:-3]
    records = TolerantRecords(data)
    assert [record.offset for record in records.next_batch()] == [0]
    assert not records.has_next()
    assert records.next_batch() is None
