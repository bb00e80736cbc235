"""Measures what a candidate adds to an ad: the worker's pipeline alone, and with the shadow's work behind each chunk.

Both run in one thread, chunk by chunk and pass by pass in turn, so that nothing is hidden by a second core or left out
by a full buffer: every ad is judged by both bundles and its shadow decision is written. What Kafka costs either side is
left out, which makes the share look larger than it is in a worker.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.spread import Spread, compare, summarise
from service.answer import LiveBundle
from service.deployment import Deployment
from service.release.guard_rail import GuardLimits, GuardMargins
from service.release.rollout import Rollout
from service.strategy import compile_bundle, read_folder
from service.worker.outputs import ChunkOutputs, InputRecord, Pipeline
from service.worker.rollout_watch import RolloutWatch
from service.worker.shadow_buffer import ShadowBuffer
from service.worker.shadow_judge import ShadowJudge
from service.worker.shadow_thread import SLICE_ADS

_NO_LIMITS = GuardLimits(GuardMargins(0.99, 0.99, 0.99, 0.99), alpha=1e-9, window_s=3_600, workers=1)
_TERM = b"\na phrase that no ad of this benchmark holds\n"

MakePipeline = Callable[[Deployment], Pipeline]


@dataclass(frozen=True)
class ShadowCost:
    """Microseconds of CPU an ad without and with a candidate, and the share that it adds, pass by pass."""

    alone_us: Spread
    together_us: Spread
    added_share: Spread


def make_candidate(live: LiveBundle, folder: Path) -> LiveBundle:
    """Return what a strategist would try: the same bundle with one more term in a list."""
    files = read_folder(folder)
    lists = sorted(name for name in files if name.startswith("lists/terms/"))
    files[lists[0]] += _TERM
    return live._replace(strategies=compile_bundle(files, reuse=live.strategies))


def make_candidate_for_all(live: LiveBundle, folder: Path) -> LiveBundle:
    """Return a candidate that concerns every ad, so that nothing of live's rulings can be taken over."""
    files = read_folder(folder)
    files["bundle.yaml"] = re.sub(rb"(?m)^failure_sla_minutes: *", rb"\g<0>1", files["bundle.yaml"])
    return live._replace(strategies=compile_bundle(files, reuse=live.strategies))


def measure_shadow(
    make_pipeline: MakePipeline,
    live: LiveBundle,
    candidate: LiveBundle,
    chunks: Sequence[Sequence[InputRecord]],
    passes: int,
) -> ShadowCost:
    """Return the costs over the chunks; a first pass, to warm up, is thrown away."""
    ads = sum(map(len, chunks))
    rollout = Rollout("bench", candidate.strategies.ref.sha256, 1.0, sequence=1)
    alone, together = make_pipeline(Deployment(live)), make_pipeline(Deployment(live, candidate, rollout))
    shadow = Shadower()
    alone_us, together_us = [], []
    for _ in range(passes + 1):
        spent_alone_ns = spent_together_ns = 0
        for number, chunk in enumerate(chunks):
            first, second = (alone, together) if number % 2 else (together, alone)
            for pipeline in (first, second):
                began_ns = time.thread_time_ns()
                outputs = pipeline(chunk)
                if pipeline is together:
                    shadow.judge(outputs)
                    spent_together_ns += time.thread_time_ns() - began_ns
                else:
                    spent_alone_ns += time.thread_time_ns() - began_ns
        alone_us.append(spent_alone_ns / ads / 1e3)
        together_us.append(spent_together_ns / ads / 1e3)
    alone_us, together_us = alone_us[1:], together_us[1:]
    ratio = compare(together_us, alone_us)
    share = Spread(ratio.median - 1, ratio.least - 1, ratio.most - 1, ratio.rounds)
    return ShadowCost(summarise(alone_us), summarise(together_us), share)


class Shadower:
    """Does with a chunk's pairs what the shadow thread does, at once."""

    def __init__(self) -> None:
        self._judge = ShadowJudge(1e9, RolloutWatch(_NO_LIMITS))
        self._buffer = ShadowBuffer(1_000_000)
        self.records = 0

    def judge(self, outputs: ChunkOutputs) -> None:
        """Judge all pairs of a chunk and write their records."""
        if outputs.pairs is not None:
            self._buffer.offer(outputs.pairs)
        while (taken := self._buffer.take(SLICE_ADS)) is not None:
            self.records += len(self._judge.judge(taken).records)
