"""How much of all cores a backtest uses: its rate against the number of cores times the rate of `moderate` on one.

`python -m loadtests.backtest_rate` measures it alone. A backtest reads its ads from a file, and its processes' start is
left out, as it is for any other candidate of the benchmark: it is measured from the first block that comes back.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loadtests.ads import READABLE, make_ads
from loadtests.judging import Row
from loadtests.spread import Spread, compare, summarise
from service.backtest.ads import AdSource, read_json_lines
from service.backtest.contest import Contest
from service.backtest.deciding import read_record
from service.backtest.running import Setting, count_cores, run
from service.backtest.tally import Tally
from service.backtest.verdicts import no_verdicts
from service.moderate import moderate
from service.settings import load_settings
from service.strategy.files import read_folder
from service.worker.collector import spare_loaded

LEAST_SHARE = 0.9
_CHUNK = 256
_ALONE_ADS = 4_000
SEED = 9


@dataclass(frozen=True)
class BacktestRate:
    """Ads a second: `moderate` on one core, a backtest of one bundle and of two on all cores, and the first's share."""

    cores: int
    alone: Spread
    one_bundle: Spread
    two_bundles: Spread
    share: Spread


def measure_backtest(ads: int, rounds: int, directory: Path) -> BacktestRate:
    """Measure in turn, round by round; writes `ads` ads to a file in `directory`."""
    path = directory / "ads.jsonl"
    with path.open("wb") as file:
        for ad in make_ads(ads, datetime(2026, 2, 1, tzinfo=UTC), READABLE, seed=SEED):
            file.write(ad + b"\n")
    settings = load_settings({})
    files = read_folder(settings.strategies_dir)
    one = Setting(settings.model_dir, files, None, no_verdicts())
    two = one._replace(baseline=files)
    contest = one.prepare()
    spare_loaded()
    cores = count_cores()
    alone, single, double = [], [], []
    for _ in range(rounds):
        alone.append(_rate_moderate(path, contest))
        single.append(_rate_backtest(path, one, contest, cores))
        double.append(_rate_backtest(path, two, contest, cores))
    share = compare(single, [cores * rate for rate in alone])
    return BacktestRate(cores, summarise(alone), summarise(single), summarise(double), share)


def _rate_moderate(path: Path, contest: Contest) -> float:
    records = [ad for _, ad in zip(range(_ALONE_ADS), read_json_lines(path), strict=False)]
    began_s = time.perf_counter()
    for start in range(0, len(records), _CHUNK):
        # Reading an ad is part of deciding it, here as there.
        chunk = [read_record(record) for record in records[start : start + _CHUNK]]
        moderate(chunk, contest.candidate, chunk[0].submission.submitted_at)
    return len(records) / (time.perf_counter() - began_s)


def _rate_backtest(path: Path, setting: Setting, contest: Contest, cores: int) -> float:
    seen: list[tuple[float, int]] = []

    def note(tally: Tally) -> None:
        seen.append((time.perf_counter(), tally.ads))

    run(AdSource(read_json_lines(path)).cut_blocks(), setting, contest, cores, note)
    # The processes start one after the other: from where all of them have answered for certain.
    (began_s, before), (ended_s, after) = seen[min(2 * cores, len(seen) // 2)], seen[-1]
    return (after - before) / (ended_s - began_s)


def judge_backtest(section: str, rate: BacktestRate) -> list[Row]:
    """Return the rates, and whether the backtest uses enough of the cores."""
    return [
        Row(section, "`moderate` on one core", "", f"{rate.alone.median:,.0f} ads/s"),
        Row(section, f"backtest of one bundle, {rate.cores} cores", "", f"{rate.one_bundle.median:,.0f} ads/s"),
        Row(section, f"backtest of two bundles, {rate.cores} cores", "", f"{rate.two_bundles.median:,.0f} ads/s"),
        Row(
            section,
            "one bundle, against cores × `moderate` on one",
            f"≥ {LEAST_SHARE}",
            f"{rate.share.median:.2f} ({rate.share.least:.2f} to {rate.share.most:.2f})",
            rate.share.median >= LEAST_SHARE,
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ads", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        rate = measure_backtest(asked.ads, asked.rounds, Path(directory))
    for row in judge_backtest("Backtest", rate):
        print(f"{row.what:<50} {row.target:>8} {row.measured:>30} {row.met if row.met is not None else ''}")


if __name__ == "__main__":
    main()
