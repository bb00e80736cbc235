"""Opens the ads of a backtest: a file of JSON Lines or Parquet, or a range of a topic, read without a group."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Generator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from service.backtest.ads import AdRecord, read_json_lines
from service.backtest.parquet import count_rows, read_parquet
from service.cli.running import CommandError
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.scoring import to_time
from service.worker.topic_reading import ReadRecord, TopicReader, open_topic

KAFKA = "kafka:"
_Item = TypeVar("_Item")
_RANGE_HELP = (
    "write kafka:TOPIC, kafka:TOPIC@FROM..TO with times such as 2026-01-31T00:00:00Z, offsets such as 100 (of every "
    "partition), or offsets by partition such as 0:100,1:250; FROM or TO may be left out"
)


class PastAds(NamedTuple):
    """Where ads come from: how much there is of them (bytes, rows or records), and how to read them."""

    total: float | None
    unit: str
    read: Callable[[], Generator[AdRecord]]


class Range(NamedTuple):
    """A part of a topic; each end is a time, an offset of every partition, offsets by partition, or open."""

    topic: str
    start: "Bound"
    end: "Bound"


Bound = datetime | int | dict[int, int] | None
Bounds = dict[int, tuple[int, int]]


def open_ads(source: str, settings: Settings) -> PastAds:
    """Return what `--ads` names. Raises CommandError, AdsError, BrokerUnreachableError, RefusedByBrokerError."""
    if source.startswith(KAFKA):
        wanted = parse_range(source)
        bounds = resolve_range(wanted, settings)
        total = sum(end - start for start, end in bounds.values())
        return PastAds(total, "records", lambda: read_ads(wanted.topic, bounds, settings))
    path = Path(source)
    if path.suffix.lower() in {".parquet", ".pq"}:
        return PastAds(count_rows(path), "rows", lambda: read_parquet(path))
    return PastAds(path.stat().st_size if path.is_file() else None, "bytes", lambda: read_json_lines(path))


def parse_range(source: str) -> Range:
    """Return the range that `kafka:TOPIC[@FROM..TO]` names. Raises CommandError."""
    topic, at, bounds = source.removeprefix(KAFKA).partition("@")
    start, dots, end = bounds.partition("..")
    if not topic or (at and not dots):
        raise CommandError(f"'{source}' names no topic with a range; {_RANGE_HELP}")
    return Range(topic, _parse_bound(start, source), _parse_bound(end, source))


def _parse_bound(text: str, source: str) -> Bound:
    if not text:
        return None
    if re.fullmatch(r"\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"\d{1,9}:\d{1,18}(,\d{1,9}:\d{1,18})*", text):
        pairs = (pair.split(":") for pair in text.split(","))
        return {int(partition): int(offset) for partition, offset in pairs}
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"'{text}' in '{source}' is neither a time nor offsets; {_RANGE_HELP}") from None
    if time.tzinfo is None:
        raise CommandError(f"'{text}' in '{source}' has no zone; end it with Z or an offset such as +01:00")
    return time


def resolve_range(wanted: Range, settings: Settings) -> Bounds:
    """Return by partition the first offset and the one after the last, as the topic is now."""

    async def resolve() -> Bounds:
        async with open_topic(build_connection(settings), wanted.topic) as reader:
            found = await reader.find_bounds()
            starts = await _place(wanted.start, reader, {number: start for number, (start, _) in found.items()})
            ends = await _place(wanted.end, reader, {number: end for number, (_, end) in found.items()})
            if unknown := {*starts, *ends} - set(found):
                raise CommandError(f"{wanted.topic} has no partition {min(unknown)}; it has {len(found)}")
            return {
                number: (max(first, starts.get(number, first)), min(end, ends.get(number, end)))
                for number, (first, end) in found.items()
            }

    return asyncio.run(resolve())


async def _place(bound: Bound, reader: TopicReader, default: dict[int, int]) -> dict[int, int]:
    if bound is None:
        return default
    if isinstance(bound, int):
        return dict.fromkeys(default, bound)
    if isinstance(bound, dict):
        return bound
    found = await reader.find_offsets(int(bound.timestamp() * 1_000))
    ends = {number: end for number, (_, end) in (await reader.find_bounds()).items()}
    return {number: ends[number] if offset is None else offset for number, offset in found.items()}


def read_ads(topic: str, bounds: Bounds, settings: Settings) -> Generator[AdRecord]:
    """Yield the records of a range, one partition after the other, so that the order is the same every time."""
    for record in read_records(topic, bounds, settings):
        yield AdRecord(record.value, topic, record.partition, record.offset, to_time(record.timestamp))


def read_records(topic: str, bounds: Bounds, settings: Settings) -> Generator[ReadRecord]:
    """Yield the same as they came."""

    async def read() -> AsyncIterator[list[ReadRecord]]:
        async with open_topic(build_connection(settings), topic) as reader:
            for partition, (start, end) in sorted(bounds.items()):
                if start < end:
                    async for records in reader.read_partition(partition, start, end):
                        yield records

    for records in iterate(read):
        yield from records


def iterate(make: Callable[[], AsyncIterator[_Item]]) -> Generator[_Item]:
    """Yield what an asynchronous iterator yields; its loop runs only while the next item is asked for."""
    with asyncio.Runner() as runner:
        items = make()

        async def step() -> tuple[bool, _Item | None]:
            try:
                return True, await anext(items)
            except StopAsyncIteration:
                return False, None

        async def close() -> None:
            if (end := getattr(items, "aclose", None)) is not None:
                await end()

        try:
            while (taken := runner.run(step()))[0]:
                yield taken[1]  # type: ignore[misc]
        finally:
            runner.run(close())
