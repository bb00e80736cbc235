"""Turns laps, footprints and latencies into the rows of the report, each with its target and whether it is met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.memory import Footprint
from loadtests.parts import PartTimes
from loadtests.rules_cost import BundleFootprint, RulesCost
from loadtests.shadow_cost import ShadowCost
from loadtests.spread import Spread, compare, percentile, summarise
from loadtests.stopwatch import Lap

MOST_CPU_RATIO = 1.15
LEAST_THROUGHPUT_RATIO = 1.0
LEAST_FAUST_RATIO = 20.0
MOST_RESIDENT_BYTES = 300_000_000
MOST_US_PER_AD = 250.0
MOST_SHADOW_SHARE = 0.35
MOST_RULES_US = 60.0
MOST_LARGE_RULES_US = 120.0
MOST_BUNDLE_BYTES = 150_000_000
MOST_KEPT_SHARE = 0.6
"""Of a large bundle's memory, what may stay when it is gone: allocators keep pages on which anything is left."""


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


def judge_rules(section: str, cost: RulesCost, most_us: float) -> list[Row]:
    """Return what views and rules cost; the target is for ads in Latin letters."""
    met = cost.latin_us.median <= most_us
    return [
        Row(section, "ads in Latin letters", f"≤ {most_us:.0f} µs", show(cost.latin_us, ".1f", " µs"), met),
        Row(section, "all ads", "", show(cost.all_us, ".1f", " µs")),
    ]


def judge_bundle(section: str, found: BundleFootprint) -> list[Row]:
    """Return what a large bundle takes, and what is left of it."""
    most = f"≤ {MOST_BUNDLE_BYTES / 1e6:.0f} MB"
    sizes = (
        ("memory it takes", most, found.taken_bytes, MOST_BUNDLE_BYTES),
        ("memory at the highest, while it is compiled", "", found.peak_bytes, None),
        ("memory after a swap to its next version", most, found.swapped_bytes, MOST_BUNDLE_BYTES),
    )
    rows = [
        Row(section, what, target, f"{size / 1e6:.0f} MB", None if limit is None else size <= limit)
        for what, target, size, limit in sizes
    ]
    most_kept_bytes = MOST_KEPT_SHARE * found.taken_bytes
    gone = found.released and found.kept_bytes <= most_kept_bytes
    kept = f"{found.kept_bytes / 1e6:.0f} MB, {'let go' if found.released else 'still held by something'}"
    return [
        Row(section, "time to compile it", "", f"{found.load_s:.2f} s CPU"),
        Row(section, "time to compile its next version, one list changed", "", f"{found.swap_s:.2f} s CPU"),
        *rows,
        Row(section, "memory after going back to the starting bundle", f"≤ {MOST_KEPT_SHARE:.0%} of it", kept, gone),
    ]


def show(spread: Spread, form: str, unit: str = "") -> str:
    """Return median and extremes in words."""
    middle = f"{spread.median:{form}}{unit}"
    return middle if spread.rounds == 1 else f"{middle} ({spread.least:{form}} to {spread.most:{form}})"
