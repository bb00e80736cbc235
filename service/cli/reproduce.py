"""`sluice reproduce kafka:ads.decisions`: decide recorded decisions once more, and show what differs."""

import asyncio
from collections.abc import Generator, Iterable, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Annotated, Self

from cyclopts import Parameter

from service.answer import LiveBundle
from service.backtest.ads import AdRecord
from service.backtest.progress import show_progress
from service.backtest.reproduction import Archive, Reproduction, reproduce
from service.classifier import Classifier, load_classifier
from service.cli.backtest import BrokenOff, run_backtest
from service.cli.past_ads import parse_range, read_records, resolve_range
from service.cli.published import fetch_bundle
from service.cli.running import DONE, NOT_SO, CommandError, err, out, show_safely
from service.settings import Settings, load_settings
from service.strategy import Bundle, StrategyError, check_labels, compile_bundle, load_bundle
from service.worker.connection import build_connection
from service.worker.scoring import to_time
from service.worker.topic_reading import TopicReader, open_topic

_BATCH = 2_000
_SMALL_GAP = 1_000
"""Offsets so near to each other are read in one go, with what lies between them."""


def reproduce_decisions(
    source: Annotated[str, Parameter(help="kafka:ads.decisions[@FROM..TO], as `sluice backtest --ads` takes it.")],
    /,
    *,
    bundle: Annotated[
        list[Path] | None, Parameter(help="A folder whose bundle may have decided; others are looked up by their hash.")
    ] = None,
    json_to: Annotated[Path | None, Parameter(name="--json", help="Write the result to this file as JSON.")] = None,
) -> int:
    """Decide recorded decisions once more, by the bundle and at the time that they name, and compare.

    Exit code 0 if all come out the same, 1 if one differs or cannot be tried, 2 if nothing could be done.
    """

    def check() -> int:
        settings = load_settings()
        classifier = load_classifier(settings.model_dir)
        bundles = _Bundles(settings, classifier, bundle or [])
        wanted = parse_range(source)
        bounds = resolve_range(wanted, settings)
        total = sum(end - start for start, end in bounds.values())
        with (
            _Submissions(settings) as submissions,
            closing(read_records(wanted.topic, bounds, settings)) as records,
            show_progress(total, err) as show,
        ):
            values = (record.value or b"" for record in records)
            found = reproduce(
                _batch(values), Archive(bundles.find, submissions.find), lambda seen: show(float(seen), seen)
            )
        if json_to:
            json_to.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
        _print(found)
        return DONE if found.succeeded else NOT_SO

    return run_backtest(check)


def _print(found: Reproduction) -> None:
    for answer, count in found.answers.items():
        if count or answer in {"reproduced", "differs"}:
            out.print(f"{count:>10,}  {answer}")
    told = f"largest difference of a score {found.largest_score_difference:g}, tolerated {found.score_tolerance:g}"
    out.print(f"            {told}")
    for one in found.differences:
        out.print(show_safely(f"{one.place} {one.ad_id}, bundle {one.bundle[:12]}: {one.what}"))


def _batch(values: Iterable[bytes]) -> Generator[list[bytes]]:
    batch: list[bytes] = []
    for value in values:
        batch.append(value)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Bundles:
    """Compiled bundles by their hash: those of named folders, and those that lie in the strategies topic."""

    def __init__(self, settings: Settings, classifier: Classifier, folders: Sequence[Path]) -> None:
        self._settings, self._classifier = settings, classifier
        loaded = [load_bundle(folder) for folder in (*folders, settings.strategies_dir)]
        self._known: dict[str, LiveBundle | None] = {one.sha256: self._join(one) for one in loaded}

    def find(self, sha256: str) -> LiveBundle | None:
        """Return the bundle; None if it is nowhere, or cannot be used with this release or classifier."""
        if sha256 not in self._known:
            self._known[sha256] = self._fetch(sha256)
        return self._known[sha256]

    def _fetch(self, sha256: str) -> LiveBundle | None:
        try:
            return self._join(compile_bundle(asyncio.run(fetch_bundle(self._settings, sha256))))
        except (*BrokenOff, CommandError, StrategyError) as error:
            err.print(show_safely(f"sluice: bundle {sha256[:12]}: {error}; name its folder with --bundle"))
            return None

    def _join(self, strategies: Bundle) -> LiveBundle:
        check_labels(strategies, self._classifier.labels)
        return LiveBundle(strategies, self._classifier)


class _Submissions:
    """Readers of the topics that submissions came in on, kept open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._readers: dict[str, tuple[TopicReader, dict[int, tuple[int, int]]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def find(self, topic: str, partition: int, offsets: Sequence[int]) -> list[AdRecord]:
        """Return the records at these ascending offsets that are still there, and perhaps some between them."""
        return self._runner.run(self._find(topic, partition, offsets))

    async def _find(self, topic: str, partition: int, offsets: Sequence[int]) -> list[AdRecord]:
        if topic not in self._readers:
            reader = await self._stack.enter_async_context(open_topic(build_connection(self._settings), topic))
            self._readers[topic] = reader, await reader.find_bounds()
        reader, bounds = self._readers[topic]
        first, end = bounds.get(partition, (0, 0))
        found = []
        for start, stop in _join_runs([offset for offset in offsets if first <= offset < end]):
            async for records in reader.read_partition(partition, start, stop):
                found += [AdRecord(one.value, topic, partition, one.offset, to_time(one.timestamp)) for one in records]
        return found


def _join_runs(offsets: Sequence[int]) -> list[tuple[int, int]]:
    """Return [start, end) ranges that hold all offsets."""
    runs: list[tuple[int, int]] = []
    for offset in offsets:
        if runs and offset - runs[-1][1] <= _SMALL_GAP:
            runs[-1] = runs[-1][0], offset + 1
        else:
            runs.append((offset, offset + 1))
    return runs
