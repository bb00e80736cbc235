"""Measures the memory of `sluice worker` itself, from outside, while it works through a long backlog."""

import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from deploy.kafka.ports import HOST, free_ports
from loadtests.ground import Ground
from loadtests.race import CandidateError, end_process

_ROOT = Path(__file__).resolve().parents[1]
_WITHIN_S = 600.0
_POLL_S = 0.5
_DONE = "sluice_submissions_total"


@dataclass(frozen=True)
class Footprint:
    """Memory after `ads`: now (VmRSS), at its highest (VmHWM), and on the way there as (ads, VmRSS)."""

    ads: int
    resident_bytes: int
    peak_bytes: int
    samples: tuple[tuple[int, int], ...]


def measure_memory(ground: Ground, topics: str, ads: int) -> Footprint:
    """Return the footprint of a worker that has made `ads` decisions or dead letters durable, exactly once."""
    (port,) = free_ports(1)
    log = ground.directory / f"{topics}-memory.log"
    environment = {
        **os.environ,
        **ground.name_topics(topics),
        "SLUICE_GROUP": f"{topics}-memory",
        "SLUICE_WEB_PORT": str(port),
        "SLUICE_LOG_LEVEL": "warning",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "worker"], cwd=_ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        return _follow(process, port, ads, log)
    finally:
        end_process(process)


def _follow(process: subprocess.Popen[bytes], port: int, ads: int, log: Path) -> Footprint:
    until_s = time.monotonic() + _WITHIN_S
    samples: list[tuple[int, int]] = []
    while time.monotonic() < until_s and process.poll() is None:
        done = _read_counter(port)
        resident_bytes, peak_bytes = read_memory(process.pid)
        samples.append((done, resident_bytes))
        if done >= ads:
            return Footprint(done, resident_bytes, peak_bytes, tuple(samples))
        time.sleep(_POLL_S)
    tail = log.read_text(encoding="utf-8", errors="replace")[-4_000:]
    raise CandidateError(f"the worker made {samples[-1][0] if samples else 0} of {ads} decisions durable\n{tail}")


def _read_counter(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return 0  # it does not listen yet
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in text.splitlines() if line.startswith(f"{_DONE} "))


def read_memory(pid: int) -> tuple[int, int]:
    """Return VmRSS and VmHWM of a process in bytes. Linux only, as the kernel tells it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    resident, peak = (int(found[name].split()[0]) * 1_024 for name in ("VmRSS", "VmHWM"))
    return resident, peak
