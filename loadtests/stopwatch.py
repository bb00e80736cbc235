"""Measures a candidate from inside: wall time, CPU time and memory between its first record and its last durable one.

Start-up is left out. Every candidate uses the same one, so a comparison compares the loops and nothing else.
"""

import json
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lap:
    """What one run of a candidate came to; CPU is user and system time of all its threads."""

    ads: int
    wall_s: float
    cpu_s: float
    peak_bytes: int

    @property
    def ads_per_s(self) -> float:
        """Throughput."""
        return self.ads / self.wall_s

    @property
    def cpu_us_per_ad(self) -> float:
        """CPU time of the candidate's process, an ad."""
        return self.cpu_s / self.ads * 1e6


class Stopwatch:
    """Runs from the first `start` until `ads` have been counted as durable; then writes the lap to `result`."""

    def __init__(
        self,
        ads: int,
        result: Path,
        wall_s: Callable[[], float] = time.monotonic,
        cpu_s: Callable[[], float] = time.process_time,
    ) -> None:
        self._ads = ads
        self._result = result
        self._wall_s = wall_s
        self._cpu_s = cpu_s
        self._began: tuple[float, float] | None = None
        self._durable = 0
        self._written = False

    def start(self) -> None:
        """Begin, at the first record that is handed over; later calls change nothing."""
        if self._began is None:
            self._began = self._wall_s(), self._cpu_s()

    @property
    def remaining(self) -> int:
        """How many ads are still to become durable."""
        return max(0, self._ads - self._durable)

    @property
    def done(self) -> bool:
        """Whether all that were asked for are durable and the result is written."""
        return self._written

    def count(self, durable: int) -> None:
        """Add ads whose outputs are durable; writes the result when all that were asked for are."""
        if self._began is None:
            raise RuntimeError("ads became durable before the first was read")
        self._durable += durable
        if self._durable >= self._ads and not self._written:
            self._written = True
            wall_s, cpu_s = self._began
            lap = Lap(self._durable, self._wall_s() - wall_s, self._cpu_s() - cpu_s, _measure_peak_bytes())
            write_lap(lap, self._result)


def write_lap(lap: Lap, path: Path) -> None:
    """Write at once: whoever waits for the file finds it whole."""
    half = path.with_suffix(".half")
    half.write_text(json.dumps(asdict(lap)), encoding="utf-8")
    half.replace(path)


def read_lap(path: Path) -> Lap:
    """Return what a candidate wrote."""
    return Lap(**json.loads(path.read_text(encoding="utf-8")))


def _measure_peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024  # Linux counts in KiB
