"""Candidate: the command `sluice worker` itself, with a stopwatch at its two ends.

The watch starts where the pipeline gets its first chunk and counts where the worker itself counts: in
`Metrics.record_chunk`, which it calls once a chunk's outputs are durable.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import service.cli.worker as command
from loadtests.candidates.task import IDENTITY, Task, make_warm_up, parse_task, pass_through
from loadtests.stopwatch import Stopwatch
from service.bootstrap import load_worker
from service.observability.metrics import ChunkTally, Metrics
from service.settings import Settings
from service.worker.loaded import Loaded
from service.worker.outputs import ChunkOutputs, InputRecord


class WatchedMetrics:
    """The worker's metrics, with the stopwatch told of every chunk that became durable."""

    def __init__(self, metrics: Metrics, watch: Stopwatch) -> None:
        self._metrics = metrics
        self._watch = watch

    def __getattr__(self, name: str) -> object:
        return getattr(self._metrics, name)

    def record_chunk(self, tally: ChunkTally) -> None:
        """Record it, then count it."""
        self._metrics.record_chunk(tally)
        self._watch.count(tally.submissions)


def watch_ends(loaded: Loaded, task: Task, watch: Stopwatch) -> Loaded:
    """Return the worker's parts, warmed up, with the watch at both ends and the pipeline that the task asks for."""
    pipeline = pass_through if task.pipeline == IDENTITY else loaded.pipeline
    pipeline(make_warm_up())

    def moderate(records: Sequence[InputRecord]) -> ChunkOutputs:
        watch.start()
        return pipeline(records)

    return replace(loaded, pipeline=moderate, metrics=cast("Metrics", WatchedMetrics(loaded.metrics, watch)))


def main() -> None:
    """Work until SIGTERM, which `race.py` sends when the result is there."""
    task = parse_task()
    watch = Stopwatch(task.ads, task.result)

    def load(settings: Settings) -> Loaded:
        return watch_ends(load_worker(settings), task, watch)

    command.load_worker = load  # type: ignore[attr-defined]
    command.work()


if __name__ == "__main__":
    main()
