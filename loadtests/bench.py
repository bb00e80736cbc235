"""`make bench`: Sluice against a bare aiokafka loop and against Faust as documented, its memory, its time an ad.

Everything comes from one run on one machine, candidates in turn, so that ratios mean something; absolute figures are
this machine's. A missed target is told and fails nothing.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from deploy.kafka.jars import UnavailableError
from loadtests import report
from loadtests.ads import make_records
from loadtests.ground import open_ground
from loadtests.machine import describe_commit, describe_machine
from loadtests.scenarios import Bench

SHARED_CORES = (
    "Broker, load generator and candidates share the machine's cores; a broker elsewhere leaves more to all of them."
)
FAIRNESS = (
    "All candidates read the same topic with a group of their own, take as many records at once, write with acks=all,"
    " without compression, and run on uvloop. Bare aiokafka is at least once: it polls, calls the same pipeline, sends"
    " one batch a partition and topic with an idempotent producer, awaits the acknowledgements and commits. Faust as"
    " documented is at least once; its producer is not idempotent."
)
FIGURES = (
    "Measured from a candidate's first record to its last durable one; start-up is left out. Median of the rounds with"
    " extremes; ratios are taken round by round."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, save. Returns 2 if this machine lacks Java or Maven."""
    asked = _parse(arguments)
    bench = _plan(asked)
    began = datetime.now(UTC)
    about = {
        "version": 1,
        "name": f"bench-{began:%Y-%m-%d-%H%M}",
        "measured_at": began.isoformat(timespec="seconds"),
        "code": describe_commit(),
        "machine": describe_machine(),
        "options": vars(asked) | {"result": None},
        "notes": [
            SHARED_CORES,
            FAIRNESS,
            FIGURES,
            f"Topics have {asked.partitions} partitions and the settings of deploy/topics.yaml.",
        ],
    }
    try:
        run_bench(bench, asked.partitions)
    except UnavailableError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    seconds = (datetime.now(UTC) - began).total_seconds()
    print("\n" + report.render_text(bench.rows) + f"\n\n{SHARED_CORES}\nIt took {seconds:.0f} s.")
    if not asked.no_save:
        print(f"Saved as {report.save({**about, 'seconds': seconds, 'found': bench.found}, bench.rows)}")
    return 0


def run_bench(bench: Bench, partitions: int) -> None:
    """Run every part of the benchmark."""
    _tell("time by part", bench.take_parts)
    _tell("shadow", bench.take_shadow)
    _tell("rules", bench.take_rules)
    _tell("backtest", bench.take_backtest)
    with open_ground(partitions) as ground:
        now = datetime.now(UTC)
        for topics, count in (("real", bench.ads), ("many", bench.many)):
            settings = ground.make_topics(topics)
            ground.fill(settings.submissions_topic, make_records(count, now))
        _tell("real pipeline", lambda: bench.race_real(ground))
        _tell("identity pipeline", lambda: bench.race_identity(ground))
        _tell("latency", lambda: bench.take_latency(ground))
        _tell("swap", lambda: bench.take_swap(ground))
        _tell("memory", lambda: bench.take_memory(ground))


def _tell(name: str, step: Callable[[], None]) -> None:
    began_s = time.monotonic()
    print(f"{name} ...", flush=True)
    step()
    print(f"{name}: {time.monotonic() - began_s:.0f} s", flush=True)


def _plan(asked: argparse.Namespace) -> Bench:
    if asked.quick:
        return Bench(1, min(asked.ads, 2_000), 10_000, 10_000, 1_000, 2.0, (200,), 2, 4_000)
    return Bench(asked.rounds, asked.ads, max(200_000, asked.ads), 100_000, 8_000, 6.0, (500, 1_000), 5, 60_000)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3, help="laps of each candidate (%(default)s)")
    parser.add_argument("--ads", type=int, default=20_000, help="ads of a lap with the real pipeline (%(default)s)")
    parser.add_argument("--partitions", type=int, default=4, help="of the topics (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it works: under a minute or so")
    parser.add_argument("--no-save", action="store_true", help="only print")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
