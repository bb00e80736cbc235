"""Turns laps, footprints and latencies into the rows of the report, each with its target and whether it is met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.memory import Footprint
from loadtests.parts import PartTimes
from loadtests.shadow_cost import ShadowCost
from loadtests.spread import Spread, compare, percentile, summarise
from loadtests.stopwatch import Lap

MOST_CPU_RATIO = 1.15
LEAST_THROUGHPUT_RATIO = 1.0
LEAST_FAUST_RATIO = 20.0
MOST_RESIDENT_BYTES = 300_000_000
MOST_US_PER_AD = 250.0
MOST_SHADOW_SHARE = 0.35


@dataclass(frozen=True)
class Row:
    """One line of the report; `met` is None where there is no target."""

    section: str
    what: str
    target: str
    measured: str
    met: bool | None = None


def judge_race(section: str, laps: Mapping[str, Sequence[Lap]]) -> list[Row]:
    """Return what each candidate did by itself."""
    return [
        Row(
            section,
            name,
            "",
            f"{show(summarise([lap.ads_per_s for lap in runs]), ',.0f')} ads/s, "
            f"{show(summarise([lap.cpu_us_per_ad for lap in runs]), '.1f')} µs CPU an ad",
        )
        for name, runs in laps.items()
    ]


def judge_cpu(section: str, ours: str, theirs: str, laps: Mapping[str, Sequence[Lap]], most: float | None) -> Row:
    """Return the ratio of CPU time an ad, round by round."""
    ratio = compare([lap.cpu_us_per_ad for lap in laps[ours]], [lap.cpu_us_per_ad for lap in laps[theirs]])
    met = None if most is None else ratio.median <= most
    return Row(
        section, f"CPU an ad: {ours} / {theirs}", f"≤ {most:.2f} ×" if most else "", show(ratio, ".2f", " ×"), met
    )


def judge_throughput(
    section: str, ours: str, theirs: str, laps: Mapping[str, Sequence[Lap]], least: float | None
) -> Row:
    """Return the ratio of throughput, round by round."""
    ratio = compare([lap.ads_per_s for lap in laps[ours]], [lap.ads_per_s for lap in laps[theirs]])
    met = None if least is None else ratio.median >= least
    target = f"≥ {least:.1f} ×" if least else ""
    return Row(section, f"throughput: {ours} / {theirs}", target, show(ratio, ".2f", " ×"), met)


def judge_memory(section: str, found: Footprint) -> list[Row]:
    """Return memory at the end and at its highest."""
    target = f"≤ {MOST_RESIDENT_BYTES / 1e6:.0f} MB"
    return [
        Row(section, f"{what}, {found.ads:,} ads", target, f"{size / 1e6:.0f} MB", size <= MOST_RESIDENT_BYTES)
        for what, size in (("resident", found.resident_bytes), ("resident at its highest", found.peak_bytes))
    ]


def judge_latency(section: str, name: str, by_rate: Mapping[int, Sequence[float]]) -> list[Row]:
    """Return p50, p99 and the longest, for each rate."""
    return [
        Row(
            section,
            f"{name}, {rate:,} ads/s",
            "",
            f"p50 {percentile(latencies, 0.5) * 1e3:.0f}, p99 {percentile(latencies, 0.99) * 1e3:.0f},"
            f" longest {max(latencies) * 1e3:.0f} ms",
        )
        for rate, latencies in by_rate.items()
    ]


def judge_parts(section: str, times: PartTimes, most_us: float | None) -> list[Row]:
    """Return a row for each part, for their sum, and for the whole without clocks."""
    rows = [Row(section, part, "", show(spread, ".1f", " µs")) for part, spread in times.by_part.items()]
    met = None if most_us is None else times.sum_us < most_us
    target = f"< {most_us:.0f} µs" if most_us else ""
    price_us = times.sum_us - times.whole_us.median
    return [
        *rows,
        Row(section, "sum of the parts", target, f"{times.sum_us:.1f} µs", met),
        Row(section, "the whole, without clocks inside", "", show(times.whole_us, ".1f", " µs")),
        Row(section, "difference (the clocks)", "", f"{price_us:.1f} µs"),
    ]


def judge_shadow(section: str, cost: ShadowCost) -> list[Row]:
    """Return an ad's time without and with a candidate, and the share that it adds."""
    share = cost.added_share
    return [
        Row(section, "live alone", "", show(cost.alone_us, ".1f", " µs")),
        Row(section, "live and the candidate's shadow", "", show(cost.together_us, ".1f", " µs")),
        Row(
            section,
            "the shadow adds",
            f"≤ {MOST_SHADOW_SHARE:.0%}",
            show(share, ".0%"),
            share.median <= MOST_SHADOW_SHARE,
        ),
    ]


def show(spread: Spread, form: str, unit: str = "") -> str:
    """Return median and extremes in words."""
    middle = f"{spread.median:{form}}{unit}"
    return middle if spread.rounds == 1 else f"{middle} ({spread.least:{form}} to {spread.most:{form}})"
