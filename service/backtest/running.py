"""Runs a backtest on all cores.

Blocks go out in order to processes that have loaded the bundles once, counts come back in order and are added up. At
most a few blocks a core are in flight, so that memory does not grow with the ads.
"""

import gc
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from service.answer import LiveBundle
from service.backtest.ads import AdRecord
from service.backtest.contest import Contest
from service.backtest.deciding import decide_block
from service.backtest.tally import Tally
from service.backtest.verdicts import Verdicts
from service.classifier import Classifier, load_classifier
from service.strategy import check_labels, compile_bundle
from service.strategy.files import BundleFiles

_IN_FLIGHT_A_CORE = 3


class WorkerDiedError(RuntimeError):
    """A process of the backtest was ended from outside."""


class Setting(NamedTuple):
    """All that a process needs to take part; small enough to be sent to each."""

    model_dir: Path
    candidate: BundleFiles
    baseline: BundleFiles | None
    verdicts: Verdicts
    as_of: datetime | None = None

    def prepare(self) -> Contest:
        """Load the classifier and compile the bundles. Raises ModelLoadError, StrategyError."""
        classifier = load_classifier(self.model_dir)
        candidate = _compile(self.candidate, classifier, None)
        baseline = None if self.baseline is None else _compile(self.baseline, classifier, candidate)
        return Contest(candidate, baseline, self.verdicts, self.as_of)


def _compile(files: BundleFiles, classifier: Classifier, reuse: LiveBundle | None) -> LiveBundle:
    strategies = compile_bundle(files, reuse=reuse.strategies if reuse else None)
    check_labels(strategies, classifier.labels)
    return LiveBundle(strategies, classifier)


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    blocks: Iterable[list[AdRecord]],
    setting: Setting,
    contest: Contest,
    workers: int,
    show: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Return the counts of all blocks; `show` is told the sum after each. One worker: in this process, with `contest`.

    Raises WorkerDiedError.
    """
    total = Tally()
    for tally in _decide_here(blocks, contest) if workers == 1 else _decide_beside(blocks, setting, workers):
        total.merge(tally)
        show(total)
    return total


def _decide_here(blocks: Iterable[list[AdRecord]], contest: Contest) -> Iterator[Tally]:
    for block in blocks:
        yield decide_block(block, contest)


def _decide_beside(blocks: Iterable[list[AdRecord]], setting: Setting, workers: int) -> Iterator[Tally]:
    # Not forked: onnxruntime's and aiokafka's threads would be left behind in an unknown state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _prepare, (setting,)) as pool:
        waiting: deque[Future[Tally]] = deque()
        try:
            for block in blocks:
                waiting.append(pool.submit(_decide, block))
                if len(waiting) > workers * _IN_FLIGHT_A_CORE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            text = "a process of the backtest was ended from outside (out of memory?); try fewer --workers"
            raise WorkerDiedError(text) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_contest: Contest | None = None


def _prepare(setting: Setting) -> None:
    global _contest  # noqa: PLW0603 - what a process of the pool has loaded once
    _contest = setting.prepare()
    # As the worker does: what is loaded stays, and an ad's objects hold no cycles, so looking for them is for nothing.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _decide(block: list[AdRecord]) -> Tally:
    if _contest is None:
        raise RuntimeError("a process of the backtest was not prepared")
    return decide_block(block, _contest)
