"""Ads come out of files whole, in order, and in blocks."""

from pathlib import Path

import pytest

from service.backtest.ads import AdRecord, AdsError, AdSource, name_place, read_json_lines
from service.contracts.submission import MAX_SUBMISSION_BYTES


def test_lines_are_ads_and_blank_ones_count_as_lines(tmp_path: Path) -> None:
    """Line ends of both kinds are no part of an ad; the last line needs none."""
    path = tmp_path / "ads.jsonl"
    path.write_bytes(b'{"a":1}\r\n\n  \n{"b":2}\n{"c":3}')
    assert [(one.value, one.offset) for one in read_json_lines(path)] == [
        (b'{"a":1}', 0), (b'{"b":2}', 3), (b'{"c":3}', 4),
    ]  # fmt: skip


def test_an_endless_line_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    """It stays too long to be read as an ad, and does not fill the memory."""
    path = tmp_path / "ads.jsonl"
    path.write_bytes(b"x" * (3 * MAX_SUBMISSION_BYTES) + b'\n{"b":2}\n')
    first, second = read_json_lines(path)
    assert first.value is not None
    assert MAX_SUBMISSION_BYTES < len(first.value) <= MAX_SUBMISSION_BYTES + 2
    assert (second.value, second.offset) == (b'{"b":2}', 1)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """With the remedy."""
    with pytest.raises(AdsError, match="No such file or directory; name a file of JSON Lines"):
        list(read_json_lines(tmp_path / "none.jsonl"))


def test_blocks_hold_all_ads_in_order_and_are_short() -> None:
    """Cut by number and by bytes; however they are cut, the hash over the ads is the same."""
    records = [AdRecord(b"x" * (number % 50), "file", 0, number) for number in range(1_000)]
    source = AdSource(records)
    blocks = list(source.cut_blocks(64))
    assert [one for block in blocks for one in block] == records
    assert {len(block) for block in blocks} == {64, 1_000 % 64}
    other = AdSource(records)
    list(other.cut_blocks(7))
    assert (source.ads, source.sha256) == (1_000, other.sha256)
    large = AdSource([AdRecord(b"x" * 1_000_000, "file", 0, number) for number in range(10)])
    assert [len(block) for block in large.cut_blocks(512)] == [5, 5]


def test_the_hash_is_over_the_ads_and_where_they_end() -> None:
    """The same bytes cut otherwise are other ads."""
    hashes = set()
    for values in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b"")):
        source = AdSource(AdRecord(value, "file", 0, 0) for value in values)
        list(source.cut_blocks())
        hashes.add(source.sha256)
    assert len(hashes) == 4


def test_places_are_for_people() -> None:
    """A line counts from 1; a record is named as Kafka's tools do."""
    assert name_place(AdRecord(b"", "file", 0, 0)) == "line 1"
    assert name_place(AdRecord(b"", "ads.submissions", 3, 41)) == "ads.submissions[3]@41"
