"""A worker's metrics: one object, bound to its own registry, that the worker tells what it did once a chunk."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from service.contracts.dead_letter import DeadLetter
from service.contracts.decision import Decision, ModelRef
from service.observability import catalogue
from service.observability.catalogue import CATALOGUE, NONE, TRIP_CAUSES
from service.observability.series import CounterSeries, GaugeSeries, HistogramSeries
from service.observability.shadow_tally import ShadowTally
from service.observability.spec import OTHER, Kind, MetricSpec


@dataclass
class ChunkTally:
    """What one chunk came to. Times are in seconds.

    `decisions` is keyed by outcome, policy and source, `arms` by arm and outcome.
    """

    submissions: int = 0
    submission_bytes: int = 0
    decisions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    arms: Counter[tuple[str, str]] = field(default_factory=Counter)
    ages_s: list[float] = field(default_factory=list)
    processing_s: list[float] = field(default_factory=list)
    review_tasks: int = 0
    dead_letters: Counter[tuple[str, str]] = field(default_factory=Counter)
    outputs_cut: Counter[str] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)
    key_mismatches: int = 0
    skewed_submissions: int = 0
    moderation_failed: int = 0
    model_failures: int = 0
    rule_failures: Counter[str] = field(default_factory=Counter)

    def count_decision(self, decision: Decision) -> None:
        """Count a decision by its weightiest reason, with its age and its processing time."""
        policy, source = NONE, NONE
        if decision.reasons:
            weightiest = decision.reasons[0]
            policy, source = weightiest.policy or NONE, weightiest.source
        self.decisions[decision.outcome, policy, source] += 1
        self.arms[decision.arm, decision.outcome] += 1
        processing_s = decision.processing_ms / 1_000
        # decided_at is the time at which work on the chunk began
        age_s = (decision.decided_at - decision.submitted_at) / timedelta(seconds=1) + processing_s
        self.skewed_submissions += age_s < 0
        self.ages_s.append(age_s)
        self.processing_s.append(processing_s)

    def count_dead_letter(self, letter: DeadLetter) -> None:
        """Count a dead letter by its error class and by who caused it."""
        self.dead_letters[letter.error, letter.caused_by] += 1


class Metrics:
    """All metrics of the catalogue, with those of the process, the interpreter and its garbage collector."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {spec: CounterSeries(spec) for spec in _list(Kind.COUNTER)}
        self._gauges = {spec: GaugeSeries(spec) for spec in _list(Kind.GAUGE)}
        self._histograms = {spec: HistogramSeries(spec) for spec in _list(Kind.HISTOGRAM)}
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def record_chunk(self, tally: ChunkTally) -> None:
        """Add a chunk's numbers. Call it once its outputs are durable, so that a replay is not counted twice."""
        self._histograms[catalogue.CHUNK_SIZE].observe(tally.submissions)
        self._histograms[catalogue.DECISION_AGE].observe_all(tally.ages_s)
        self._histograms[catalogue.PROCESSING].observe_all(tally.processing_s)
        self._counters[catalogue.DECISIONS].add_all(tally.decisions)
        self._counters[catalogue.ARM_DECISIONS].add_all(tally.arms)
        self._counters[catalogue.DEAD_LETTERS].add_all(tally.dead_letters)
        for spec, by_value in (
            (catalogue.OUTPUTS_CUT, tally.outputs_cut),
            (catalogue.UNKNOWN_FIELDS, tally.unknown_fields),
            (catalogue.RULE_FAILURES, tally.rule_failures),
        ):
            self._counters[spec].add_all({(value,): amount for value, amount in by_value.items()})
        for spec, amount in (
            (catalogue.SUBMISSIONS, tally.submissions),
            (catalogue.SUBMISSION_BYTES, tally.submission_bytes),
            (catalogue.REVIEW_TASKS, tally.review_tasks),
            (catalogue.KEY_MISMATCHES, tally.key_mismatches),
            (catalogue.SKEWED_SUBMISSIONS, tally.skewed_submissions),
            (catalogue.MODERATION_FAILED, tally.moderation_failed),
            (catalogue.MODEL_FAILURES, tally.model_failures),
        ):
            self._counters[spec].add(amount)

    def record_shadow(self, tally: ShadowTally) -> None:
        """Add what comparing some ads came to."""
        self._counters[catalogue.SHADOW_PAIRS].add_all(tally.outcomes)
        self._counters[catalogue.SHADOW_MOVED].add_all(tally.moved)
        self._counters[catalogue.SHADOW_CPU].add(tally.cpu_s)

    def record_shadow_sent(self, records: int) -> None:
        """Count shadow decisions that are durable."""
        self._counters[catalogue.SHADOW_SENT].add(records)

    def record_shadow_dropped(self, cause: str, ads: int) -> None:
        """Count ads whose comparison is left out or lost."""
        self._counters[catalogue.SHADOW_DROPPED].add(ads, cause)

    def show_shadow_buffered(self, ads: int) -> None:
        """Show how many ads wait for the candidate's ruling."""
        self._gauges[catalogue.SHADOW_BUFFERED].set(ads)

    def show_candidate_off(self, cause: str | None) -> None:
        """Show why the candidate is switched off in this worker; None while it is not."""
        self._show_cause(catalogue.CANDIDATE_OFF, catalogue.OFF_CAUSES, cause)

    def show_rollout(self, percent: float, halted: str | None) -> None:
        """Show the share of advertisers that the candidate decides, and the guard rail that stopped the rollout."""
        self._gauges[catalogue.ROLLOUT_PERCENT].set(percent)
        self._show_cause(catalogue.ROLLOUT_HALTED, (*catalogue.GUARDS, *catalogue.OFF_CAUSES), halted)

    def show_rollout_evidence(self, by_guard: Mapping[str, float]) -> None:
        """Show what each guard rail has found against the candidate; 1 stops the rollout."""
        self._gauges[catalogue.ROLLOUT_EVIDENCE].replace({(guard,): share for guard, share in by_guard.items()})

    def record_commit(self, duration_s: float, submissions: int) -> None:
        """Count a transaction that was committed, and how many records it settled."""
        self._counters[catalogue.TRANSACTIONS].add(1, "committed")
        self._histograms[catalogue.TRANSACTION_TIME].observe(duration_s)
        self._histograms[catalogue.TRANSACTION_SIZE].observe(submissions)

    def record_abort(self, duration_s: float) -> None:
        """Count a transaction that was aborted."""
        self._counters[catalogue.TRANSACTIONS].add(1, "aborted")
        self._histograms[catalogue.TRANSACTION_TIME].observe(duration_s)

    def record_rebalance(self, assigned_partitions: int) -> None:
        """Count an assignment; partitions that are gone vanish with the next `show_partitions`."""
        self._counters[catalogue.REBALANCES].add(1)
        self._gauges[catalogue.ASSIGNED_PARTITIONS].set(assigned_partitions)

    def show_partitions(self, lags: Mapping[int, int], progress_ages_s: Mapping[int, float]) -> None:
        """Show records behind and seconds without progress by partition; any other partition is removed."""
        self._gauges[catalogue.LAG].replace({(str(number),): float(lag) for number, lag in lags.items()})
        self._gauges[catalogue.PROGRESS_AGE].replace({(str(number),): age for number, age in progress_ages_s.items()})

    def show_in_flight_chunks(self, chunks: int) -> None:
        """Show how many chunks were read and are not yet committed."""
        self._gauges[catalogue.IN_FLIGHT_CHUNKS].set(chunks)

    def show_ready(self, *, ready: bool) -> None:
        """Show whether the worker is ready."""
        self._gauges[catalogue.READY].set(float(ready))

    def show_trip(self, cause: str | None) -> None:
        """Show which limit stopped the worker; None when it runs."""
        self._show_cause(catalogue.TRIPPED, TRIP_CAUSES, cause)

    def _show_cause(self, spec: MetricSpec, known: Sequence[str], cause: str | None) -> None:
        causes = {name: float(name == cause) for name in known}
        if cause is not None and cause not in causes:
            causes[OTHER] = 1.0
        self._gauges[spec].replace({(name,): level for name, level in causes.items()})

    def show_strategies(self, levels: Mapping[MetricSpec, Mapping[tuple[str, ...], float]]) -> None:
        """Show what is in force, as `strategy_levels` tells it."""
        for spec, values in levels.items():
            self._gauges[spec].replace(values)

    def record_swap(self, duration_s: float) -> None:
        """Count a bundle that came into force, and how long that took."""
        self._histograms[catalogue.SWAP_TIME].observe(duration_s)

    def record_refusal(self, cause: str) -> None:
        """Count what was refused on the strategies topic."""
        self._counters[catalogue.STRATEGIES_REFUSED].add(1, cause)

    def show_strategies_unreachable(self, age_s: float) -> None:
        """Show for how long the strategies topic has not answered."""
        self._gauges[catalogue.UNREACHABLE].set(age_s)

    def show_model(self, model: ModelRef) -> None:
        """Show the classifier that is live."""
        self._gauges[catalogue.MODEL_INFO].replace({(model.id, model.sha256): 1.0})

    def show_build(self, version: str, build: str, delivery: str) -> None:
        """Show the release that runs."""
        self._gauges[catalogue.BUILD_INFO].replace({(version, build, delivery): 1.0})

    def render(self) -> tuple[bytes, str]:
        """Return the page that Prometheus scrapes and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def collect(self) -> Iterator[Metric]:
        """Yield all families; called by the registry at a scrape."""
        for kind in (self._counters, self._gauges, self._histograms):
            for series in kind.values():
                yield series.collect()


def _list(kind: Kind) -> list[MetricSpec]:
    return [spec for spec in CATALOGUE if spec.kind is kind]
