"""Where the ads of a backtest are: what may be written, and what is told otherwise."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.cli.backtest import parse_minutes
from service.cli.past_ads import Range, iterate, open_ads, parse_range
from service.cli.running import CommandError
from service.settings import load_settings


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("kafka:ads.submissions", Range("ads.submissions", None, None)),
        ("kafka:ads@100..200", Range("ads", 100, 200)),
        ("kafka:ads@..200", Range("ads", None, 200)),
        ("kafka:ads@0:5,1:7..", Range("ads", {0: 5, 1: 7}, None)),
        (
            "kafka:ads@2026-01-31T00:00:00Z..2026-02-01T01:00:00+01:00",
            Range("ads", datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        ),
        ("kafka:ads@..", Range("ads", None, None)),
    ],
)
def test_ranges_are_offsets_or_times(source: str, expected: Range) -> None:
    """Of every partition, by partition, or by the records' timestamps; an end may be open."""
    assert parse_range(source) == expected


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("kafka:", "names no topic"),
        ("kafka:ads@5", "names no topic with a range"),
        ("kafka:ads@yesterday..", "'yesterday' in 'kafka:ads@yesterday..' is neither a time nor offsets"),
        ("kafka:ads@2026-01-31T00:00:00..", "has no zone"),
        ("kafka:ads@0:5,1..", "is neither a time nor offsets"),
    ],
)
def test_what_is_no_range_is_told(source: str, told: str) -> None:
    """With the forms that are known."""
    with pytest.raises(CommandError, match=told):
        parse_range(source)


def test_files_are_told_apart_by_their_names(tmp_path: Path) -> None:
    """JSON Lines are measured in bytes."""
    path = tmp_path / "ads.jsonl"
    path.write_bytes(b'{"a": 1}\n')
    past = open_ads(str(path), load_settings({}))
    assert (past.total, past.unit, [ad.value for ad in past.read()]) == (9, "bytes", [b'{"a": 1}'])


def test_an_asynchronous_iterator_is_walked_and_closed() -> None:
    """Its loop runs between the items only; who stops early closes it."""
    closed: list[bool] = []

    async def count() -> AsyncIterator[int]:
        try:
            for number in range(3):
                yield number
        finally:
            closed.append(True)

    assert list(iterate(count)) == [0, 1, 2]
    walk = iterate(count)
    assert next(walk) == 0
    walk.close()
    assert closed == [True, True]


def test_minutes_are_in_general_and_by_policy() -> None:
    """A policy's own time goes before."""
    minutes = parse_minutes("3, gambling=4.5")
    assert (minutes.of("gambling"), minutes.of("weapons")) == (4.5, 3.0)
    assert parse_minutes("gambling=1").of("weapons") == 2.0
    for text in ("", "gambling", "-1", "gambling=nan", "1e9"):
        with pytest.raises(CommandError, match=r"write '2', or '2,gambling=4\.5'"):
            parse_minutes(text)
