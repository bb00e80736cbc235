"""Candidate: Sluice's worker, as `sluice worker` runs it, with a stopwatch at its two ends.

The watch starts where the pipeline gets its first chunk and counts where the worker itself counts: in
`Metrics.record_chunk`, which it calls once a chunk's outputs are durable.
"""

import sys
from dataclasses import replace
from typing import cast

import uvloop

from loadtests.candidates.task import load_pipeline, parse_task, watch_start
from loadtests.stopwatch import Stopwatch
from service.observability.logs import configure_logs
from service.observability.metrics import ChunkTally, Metrics
from service.settings import load_settings
from service.worker.run import run_worker


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


def main() -> int:
    """Work until SIGTERM, which `bench.py` sends when the result is there."""
    task, settings = parse_task(), load_settings()
    configure_logs(settings.log_level, settings.log_format, log_ad_texts=settings.log_ad_texts)
    watch = Stopwatch(task.ads, task.result)
    loaded = watch_start(load_pipeline(task, settings), watch)
    watched = replace(loaded, metrics=cast("Metrics", WatchedMetrics(loaded.metrics, watch)))
    return uvloop.run(run_worker(settings, watched))


if __name__ == "__main__":
    sys.exit(main())
