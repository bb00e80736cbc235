"""What every candidate is asked on its command line, and the pipelines it may be asked to run."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loadtests.ads import make_records
from service.settings import Settings
from service.worker.collector import spare_loaded
from service.worker.outputs import ChunkOutputs, InputRecord, OutputRecord, Pipeline

REAL, IDENTITY = "real", "identity"
_WARM_UP_ADS = 512


@dataclass(frozen=True)
class Task:
    """Take `ads` from the topic of the settings through the pipeline, and write the lap to `result`."""

    pipeline: str
    ads: int
    result: Path


@dataclass
class WarmUpRecord:
    """A record that lies in no topic, for warming up."""

    offset: int
    key: bytes | None
    value: bytes | None
    topic: str = "warm-up"
    partition: int = 0
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes | None]] = ()


def parse_task() -> Task:
    """Return what the command line asks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipeline", choices=(REAL, IDENTITY), required=True)
    parser.add_argument("--ads", type=int, required=True)
    parser.add_argument("--result", type=Path, required=True)
    asked = parser.parse_args()
    return Task(asked.pipeline, asked.ads, asked.result)


def load_pipeline(task: Task, settings: Settings) -> Pipeline:
    """Return the worker's own pipeline, warmed up, or one that only hands records through."""
    if task.pipeline == IDENTITY:
        return pass_through
    # Late: the loops that only hand records through need neither model nor rules in their memory.
    from service.bootstrap import load_live_bundle, prepare_worker  # noqa: PLC0415

    pipeline = prepare_worker(settings, load_live_bundle(settings)).pipeline
    pipeline(make_warm_up())
    # As the worker does, so that a comparison is about the loops.
    spare_loaded()
    return pipeline


def make_warm_up(count: int = _WARM_UP_ADS) -> list[InputRecord]:
    """Return records to run through a pipeline before it is measured."""
    ads = make_records(count, datetime.now(UTC), prefix="warm", seed=2)
    return [WarmUpRecord(offset, key, value) for offset, (key, value) in enumerate(ads)]


def pass_through(records: Sequence[InputRecord]) -> ChunkOutputs:
    """Return every record as it came: the work of the identity comparison."""
    outputs = ChunkOutputs(decisions=[OutputRecord(record.key, record.value) for record in records])
    outputs.tally.submissions = len(records)
    return outputs
