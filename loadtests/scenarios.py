"""The scenarios of the benchmark: each measures one thing and adds its rows to the report."""

import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.ads import DEMO, REALISTIC, Mix, make_records
from loadtests.backtest_rate import judge_backtest, measure_backtest
from loadtests.candidates.task import IDENTITY, REAL, WarmUpRecord
from loadtests.ground import Ground
from loadtests.judging import (
    LEAST_FAUST_RATIO,
    LEAST_THROUGHPUT_RATIO,
    MOST_CPU_RATIO,
    MOST_LARGE_RULES_US,
    MOST_RULES_US,
    MOST_US_PER_AD,
    Row,
    judge_bundle,
    judge_cpu,
    judge_latency,
    judge_memory,
    judge_parts,
    judge_race,
    judge_rules,
    judge_shadow,
    judge_throughput,
)
from loadtests.large_bundle import RULES, TERMS, make_large_bundle
from loadtests.latency import BARE as BARE_PROGRAM
from loadtests.latency import SLUICE as SLUICE_PROGRAM
from loadtests.latency import measure_latency
from loadtests.memory import measure_memory
from loadtests.parts import measure_parts
from loadtests.race import Candidate, race
from loadtests.rules_cost import measure_footprint, measure_rules
from loadtests.shadow_cost import make_candidate, make_candidate_for_all, measure_shadow
from loadtests.spread import percentile
from loadtests.swap import judge_swap, measure_swap
from service.bootstrap import load_live_bundle, prepare_worker, read_size_limits
from service.deployment import Deployment
from service.settings import load_settings
from service.strategy import compile_bundle
from service.worker.collector import spare_loaded
from service.worker.in_force import InForce
from service.worker.outputs import Pipeline
from service.worker.scoring import ScoringPipeline

EXACTLY, AT_LEAST = "Sluice, exactly once", "Sluice, at least once"
BARE, FAUST = "bare aiokafka", "Faust as documented"
_CHUNK = 256
_PARTS_CHUNKS = 8


@dataclass
class Bench:
    """One run: its options, and what was found so far; `rounds` laps of every candidate."""

    rounds: int
    ads: int
    many: int
    identity_ads: int
    faust_ads: int
    latency_s: float
    rates: tuple[int, ...]
    passes: int
    backtest_ads: int
    rows: list[Row] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    def race_real(self, ground: Ground) -> None:
        """Compare the workers with the bare loop, with the real pipeline."""
        section = f"Real pipeline, {self.ads:,} ads"
        candidates = (
            Candidate(BARE, "bare_loop", REAL, self.ads),
            Candidate(EXACTLY, "sluice_worker", REAL, self.ads, {"SLUICE_DELIVERY": "exactly_once"}),
            Candidate(AT_LEAST, "sluice_worker", REAL, self.ads, {"SLUICE_DELIVERY": "at_least_once"}),
        )
        laps = race(ground, "real", candidates, self.rounds)
        self.found["real"] = {name: [asdict(lap) for lap in runs] for name, runs in laps.items()}
        self.rows += judge_race(section, laps)
        for ours, most, least in ((EXACTLY, MOST_CPU_RATIO, LEAST_THROUGHPUT_RATIO), (AT_LEAST, None, None)):
            self.rows.append(judge_cpu(section, ours, BARE, laps, most))
            self.rows.append(judge_throughput(section, ours, BARE, laps, least))

    def race_identity(self, ground: Ground) -> None:
        """Compare the loops alone: records are handed through."""
        section = f"Identity pipeline, {self.identity_ads:,} records ({self.faust_ads:,} for Faust)"
        candidates = (
            Candidate(FAUST, "faust_documented", IDENTITY, self.faust_ads),
            Candidate(BARE, "bare_loop", IDENTITY, self.identity_ads),
            Candidate(EXACTLY, "sluice_worker", IDENTITY, self.identity_ads, {"SLUICE_DELIVERY": "exactly_once"}),
            Candidate(AT_LEAST, "sluice_worker", IDENTITY, self.identity_ads, {"SLUICE_DELIVERY": "at_least_once"}),
        )
        laps = race(ground, "many", candidates, self.rounds)
        self.found["identity"] = {name: [asdict(lap) for lap in runs] for name, runs in laps.items()}
        self.rows += judge_race(section, laps)
        for ours in (EXACTLY, AT_LEAST):
            self.rows.append(judge_throughput(section, ours, FAUST, laps, LEAST_FAUST_RATIO))
        self.rows.append(judge_throughput(section, EXACTLY, BARE, laps, None))

    def take_memory(self, ground: Ground) -> None:
        """Let one worker work through the long backlog."""
        footprint = measure_memory(ground, "many", self.many)
        self.found["memory"] = asdict(footprint)
        self.rows += judge_memory("Memory of `sluice worker`, real pipeline, exactly once", footprint)

    def take_latency(self, ground: Ground) -> None:
        """Measure submission to readable decision at steady rates."""
        section = f"Latency, submission to readable decision, open loop, {self.latency_s:.0f} s each"
        for name, topics, program in ((EXACTLY, "once", SLUICE_PROGRAM), (BARE, "bare", BARE_PROGRAM)):
            by_rate = measure_latency(ground, topics, program, self.rates, self.latency_s)
            self.rows += judge_latency(section, name, by_rate)
            self.found.setdefault("latency", {})[name] = {
                str(rate): {f"p{share * 100:g}_s": percentile(values, share) for share in (0.5, 0.9, 0.99, 0.999, 1)}
                for rate, values in by_rate.items()
            }

    def take_parts(self) -> None:
        """Measure an ad's time by part; needs no broker."""
        settings = load_settings({})
        pipeline = prepare_worker(settings, load_live_bundle(settings)).pipeline
        spare_loaded()
        for name, mix, most in (("the demo's mix", DEMO, MOST_US_PER_AD), ("the mix of the races", REALISTIC, None)):
            times = measure_parts(pipeline, make_chunks(mix), self.passes)
            self.found.setdefault("parts", {})[name] = asdict(times)
            self.rows += judge_parts(f"CPU time an ad by part, one core, {name}", times, most)

    def take_shadow(self) -> None:
        """Measure what a candidate adds to an ad; needs no broker."""
        settings = load_settings({})
        live = load_live_bundle(settings)
        candidates = {
            "one term more": make_candidate(live, settings.strategies_dir),
            "a change to all ads": make_candidate_for_all(live, settings.strategies_dir),
        }
        limits = read_size_limits(settings)

        def make_pipeline(deployment: Deployment) -> Pipeline:
            return ScoringPipeline(InForce("bench", deployment), limits)

        spare_loaded()
        for mix_name, mix in (("the demo's mix", DEMO), ("the mix of the races", REALISTIC)):
            for change, candidate in candidates.items():
                cost = measure_shadow(make_pipeline, live, candidate, make_chunks(mix), self.passes)
                self.found.setdefault("shadow", {})[f"{mix_name}, {change}"] = asdict(cost)
                self.rows += judge_shadow(f"CPU time an ad with a candidate, one core, {mix_name}, {change}", cost)

    def take_backtest(self) -> None:
        """Measure how much of all cores a backtest uses; needs no broker."""
        with tempfile.TemporaryDirectory() as directory:
            rate = measure_backtest(self.backtest_ads, self.rounds, Path(directory))
        self.found["backtest"] = asdict(rate)
        self.rows += judge_backtest(f"Backtest of {self.backtest_ads:,} ads", rate)

    def take_swap(self, ground: Ground) -> None:
        """Let two workers go over to a large bundle while ads flow, at the lowest of the rates."""
        swaps = measure_swap(ground, "swap", min(200, *self.rates), self.latency_s)
        for name, swap in swaps.items():
            self.rows += judge_swap(f"Swap of {RULES} rules and {TERMS:,} terms in two workers under load", name, swap)
        self.found["swap"] = {
            name: {"swap_s": swap.swap_s, "p99_before_s": percentile(swap.before, 0.99), "worst_s": max(swap.during)}
            for name, swap in swaps.items()
        }

    def take_rules(self) -> None:
        """Measure views and rules with the starting bundle and a large one, and what that takes; needs no broker."""
        settings = load_settings({})
        live = load_live_bundle(settings)
        large = compile_bundle(make_large_bundle(settings.strategies_dir))
        spare_loaded()
        size = f"{RULES} rules and {TERMS:,} terms"
        for name, bundle, most in (
            ("the starting bundle", live.strategies, MOST_RULES_US),
            (size, large, MOST_LARGE_RULES_US),
        ):
            cost = measure_rules(bundle, live.classifier.labels, self.passes)
            self.found.setdefault("rules", {})[name] = asdict(cost)
            self.rows += judge_rules(f"CPU time an ad for views and rules, the demo's mix, {name}", cost, most)
        footprint = measure_footprint(settings.strategies_dir)
        self.found["bundle"] = asdict(footprint)
        self.rows += judge_bundle(f"A bundle of {size}", footprint)


def make_chunks(mix: Mix) -> list[list[WarmUpRecord]]:
    """Return chunks as the worker would hand them to the pipeline."""
    records = list(make_records(_CHUNK * _PARTS_CHUNKS, datetime.now(UTC), mix, seed=4))
    return [
        [WarmUpRecord(start + place, *record) for place, record in enumerate(records[start : start + _CHUNK])]
        for start in range(0, len(records), _CHUNK)
    ]
