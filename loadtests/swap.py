"""Measures a swap under load: two workers go over to a large bundle, then to its next version, while ads flow.

The swap takes from the append of the ledger's entry until the last worker reports that it decides by the bundle. Ads
are sent in open loop all the while, so whoever waits for a worker that compiles makes the worst delay longer.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.ground import Ground
from loadtests.judging import Row
from loadtests.large_bundle import make_large_bundle
from loadtests.latency import SLUICE, Probe
from loadtests.race import CandidateError, end_process
from loadtests.spread import percentile
from service.contracts.ledger import Envelope, Publish
from service.release.approvals import find_guards
from service.release.packing import pack_bundle
from service.settings import Settings, load_settings
from service.strategy import BundleFiles
from service.worker.ledger_access import open_ledger
from service.worker.status_watch import watch_statuses

MOST_SWAP_S = 2.0
MOST_DELAY_RATIO = 3.0
_TESTS = re.compile(rb"^tests:\n(?:[ #\n-].*\n?|\n)*", re.MULTILINE)
_ROOT = Path(__file__).resolve().parents[1]
_UNSIGNED = {"SLUICE_ALLOW_UNSIGNED_STRATEGIES": "true"}
_WORKERS = 2
_PRIMING_ADS = 512
_PRIMED_WITHIN_S = _SWAPPED_WITHIN_S = 60.0
_LATE_WITHIN_S = 30.0
_LEAD_S = 0.5
_POLL_S = 0.01


@dataclass(frozen=True)
class Swap:
    """One swap: its seconds, and the latencies in seconds of the ads before it and of those around it."""

    swap_s: float
    before: tuple[float, ...]
    during: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The worst delay around the swap, as a multiple of the p99 before."""
        return max(self.during) / percentile(self.before, 0.99)


def judge_swap(section: str, name: str, swap: Swap) -> list[Row]:
    """Return how long a swap took, and how long the ads around it waited."""
    delay_ms, p99_ms = max(swap.during) * 1e3, percentile(swap.before, 0.99) * 1e3
    ratio, told = swap.ratio, f"{delay_ms:.0f} / {p99_ms:.0f} ms"
    return [
        Row(section, f"{name}: all workers decide by it", f"≤ {MOST_SWAP_S:.0f} s", f"{swap.swap_s:.2f} s",
            swap.swap_s <= MOST_SWAP_S),
        Row(section, f"{name}: worst delay / p99 before", f"< {MOST_DELAY_RATIO:.0f} ×", f"{ratio:.1f} × ({told})",
            ratio < MOST_DELAY_RATIO),
    ]  # fmt: skip


def measure_swap(ground: Ground, topics: str, rate: int, seconds: float) -> dict[str, Swap]:
    """Return the swaps to a large bundle and to its next version, at `rate` ads a second.

    `seconds`: of the ads before each swap; those around it take as long again and 4 s more.
    Raises CandidateError if a worker ends, a decision does not come, or a swap takes more than a minute.
    """
    settings = ground.make_topics(topics)
    environment = {**ground.name_topics(topics), **_UNSIGNED}
    writing = load_settings(environment)
    bundles = [make_publishable(make_large_bundle(settings.strategies_dir, version=version)) for version in (0, 1)]
    found: dict[str, Swap] = {}
    with _run_workers(ground.directory / f"{topics}.log", {**environment, "SLUICE_GROUP": topics}):
        probe = Probe(ground.brokers, settings.submissions_topic, settings.decisions_topic, ground.partitions)
        probe.run(f"{topics}-prime", _PRIMING_ADS, _PRIMING_ADS, _PRIMED_WITHIN_S)
        for number, (name, files) in enumerate(zip(("a large bundle", "its next version"), bundles, strict=True)):
            before = probe.run(f"{topics}-{number}-before", int(rate * seconds), rate, _LATE_WITHIN_S)
            with ThreadPoolExecutor(1) as thread:
                swapping = thread.submit(asyncio.run, publish(writing, files, _WORKERS))
                during = probe.run(f"{topics}-{number}-during", int(rate * (seconds + 4.0)), rate, _LATE_WITHIN_S)
                found[name] = Swap(swapping.result(), tuple(before), tuple(during))
    return found


async def publish(settings: Settings, files: BundleFiles, workers: int) -> float:
    """Publish a bundle as live and return the seconds until so many workers decide by it. Raises TimeoutError."""
    packed = pack_bundle(files)
    async with open_ledger(settings) as access, watch_statuses(settings) as board:
        kept = await access.keep_bundle(packed)
        await asyncio.sleep(_LEAD_S)
        told = {"channel": "live", "bundle": kept.sha256, "version": kept.sha256[:8], "chunks": len(kept.chunks)}
        entry = access.make(
            Publish, "bench", "measure", **told, packed_bytes=kept.packed_bytes, guards=find_guards(files)
        )
        began_s = time.monotonic()
        await access.append(Envelope(entry=entry.model_dump_json()))
        async with asyncio.timeout(_SWAPPED_WITHIN_S):
            while sum(one.status.live == kept.sha256 for one in board.list_alive(time.time())) < workers:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
        return time.monotonic() - began_s


@contextmanager
def _run_workers(log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    settings = {**os.environ, **environment, "SLUICE_WEB_PORT": "0", "SLUICE_LOG_LEVEL": "warning"}
    processes: Sequence[subprocess.Popen[bytes]] = ()
    with log.open("wb") as output:
        try:
            for _ in range(_WORKERS):
                command = [sys.executable, "-m", *SLUICE]
                process = subprocess.Popen(command, cwd=_ROOT, env=settings, stdout=output, stderr=output)
                processes = (*processes, process)
            yield
        except TimeoutError as error:
            tail = log.read_text(encoding="utf-8", errors="replace")[-4_000:]
            raise CandidateError(f"swap: {error}\n{tail}") from error
        finally:
            for process in processes:
                end_process(process)


def make_publishable(files: BundleFiles) -> BundleFiles:
    """Return the files as one person may publish them: no second signature is due, and no test fails.

    Strategists' tests are of the starting bundle; the grown rules send many of their ads to review.
    """
    return {
        name: _TESTS.sub(b"", content).replace(b"approvals: 2", b"approvals: 1") if name.endswith(".yaml") else content
        for name, content in files.items()
        if not name.startswith("tests/")
    }
