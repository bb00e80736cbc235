"""Races candidates over one filled topic: a fresh process and a fresh group each, in turn, round by round."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.ground import Ground
from loadtests.stopwatch import Lap, read_lap

_ROOT = Path(__file__).resolve().parents[1]
_LAP_WITHIN_S = 300.0
_LEAVE_WITHIN_S = 30.0
_POLL_S = 0.05


class CandidateError(RuntimeError):
    """A candidate ended without a result; the text ends with its log."""


@dataclass(frozen=True)
class Candidate:
    """A program of `loadtests.candidates` with its pipeline and settings; reads the topic's first `ads` ads."""

    name: str
    module: str
    pipeline: str
    ads: int
    settings: Mapping[str, str] = field(default_factory=dict)


def race(ground: Ground, topics: str, candidates: Sequence[Candidate], rounds: int) -> dict[str, list[Lap]]:
    """Return each candidate's laps by its name, one a round; a first round, to warm the broker, is thrown away."""
    for candidate in candidates[:1]:
        run_candidate(ground, topics, candidate, f"{candidate.name}-warm")
    laps: dict[str, list[Lap]] = {candidate.name: [] for candidate in candidates}
    for number in range(rounds):
        # The order turns, so that no candidate always runs behind the same other.
        turned = [*candidates[number % len(candidates) :], *candidates[: number % len(candidates)]]
        for candidate in turned:
            lap = run_candidate(ground, topics, candidate, f"{candidate.name}-{number}")
            laps[candidate.name].append(lap)
            print(
                f"  round {number + 1}/{rounds}  {candidate.name:<28} {lap.ads_per_s:>9,.0f} ads/s"
                f"  {lap.cpu_us_per_ad:>7.1f} us CPU an ad",
                flush=True,
            )
    return laps


def run_candidate(ground: Ground, topics: str, candidate: Candidate, run: str) -> Lap:
    """Return one lap. Raises CandidateError when the process ends without one, or takes minutes."""
    result = ground.directory / f"{topics}-{run}.json"
    log = result.with_suffix(".log")
    environment = {
        **os.environ,
        **ground.name_topics(topics),
        "SLUICE_GROUP": f"{topics}-{run}",
        "SLUICE_WEB_PORT": "0",
        "SLUICE_LOG_LEVEL": "warning",
        **candidate.settings,
    }
    asked = ["--pipeline", candidate.pipeline, "--ads", str(candidate.ads), "--result", str(result)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"loadtests.candidates.{candidate.module}", *asked],
            cwd=_ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        _wait(process, candidate.name, result)
    finally:
        end_process(process)
    return read_lap(result)


def end_process(process: subprocess.Popen[bytes]) -> int:
    """Ask a process to leave, make it if it does not, and return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(_LEAVE_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _wait(process: subprocess.Popen[bytes], name: str, result: Path) -> None:
    until_s = time.monotonic() + _LAP_WITHIN_S
    while not result.exists():
        if time.monotonic() > until_s or (process.poll() is not None and not result.exists()):
            ended = f"ended with {process.returncode}" if process.returncode is not None else "took too long"
            tail = result.with_suffix(".log").read_text(encoding="utf-8", errors="replace")[-4_000:]
            raise CandidateError(f"{name}: {ended}\n{tail}")
        time.sleep(_POLL_S)
