"""The metrics of a worker: what a chunk adds, what hostile input cannot add, and what Prometheus accepts."""

import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.contracts.dead_letter import CausedBy, DeadLetter, Unreadable
from service.contracts.decision import BundleRef, Decision, ModelRef, Origin, Outcome, Reason, Source
from service.observability.catalogue import CATALOGUE, FAILED, NONE, TRIP_CAUSES
from service.observability.metrics import ChunkTally, Metrics
from service.observability.shadow_tally import ShadowTally
from service.observability.spec import Kind
from service.observability.strategy_levels import StrategyLevels

BUNDLE = BundleRef(version="2026.11", sha256="a" * 64)
CANDIDATE = BundleRef(version="2026.12", sha256="b" * 64)
LEVELS = StrategyLevels(BUNDLE, CANDIDATE, "topic", sequence=7, blocks=2, swapped_at_s=1_795_339_800)
SUBMITTED_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def read_samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    page, _ = metrics.render()
    families = text_string_to_metric_families(page.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def read_value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return read_samples(metrics).get((name, tuple(sorted(labels.items()))))


def make_decision(outcome: Outcome, *reasons: Reason, age: timedelta = timedelta(milliseconds=30)) -> Decision:
    return Decision(
        decision_id=UUID(int=1),
        ad_id="ad-1",
        revision=0,
        outcome=outcome,
        reasons=reasons,
        bundle=BUNDLE,
        origin=Origin(topic="ads.submissions", partition=0, offset=0),
        submitted_at=SUBMITTED_AT,
        received_at=SUBMITTED_AT,
        decided_at=SUBMITTED_AT + age,
        processing_ms=4.0,
    )


def fill_everything() -> Metrics:
    metrics = Metrics()
    tally = ChunkTally(submissions=3, submission_bytes=900, review_tasks=1, key_mismatches=1, moderation_failed=1)
    tally.count_decision(make_decision(Outcome.APPROVE))
    reason = Reason(policy="gambling", source=Source.RULE, id="gambling.terms", outcome=Outcome.REJECT)
    tally.count_decision(make_decision(Outcome.REJECT, reason))
    tally.count_dead_letter(DeadLetter(Unreadable.NOT_JSON, CausedBy.SENDER, "value", "not JSON"))
    tally.outputs_cut["dead_letter"] += 1
    tally.unknown_fields["creative.color"] += 2
    tally.rule_failures["gambling.terms"] += 1
    tally.model_failures += 1
    metrics.record_chunk(tally)
    metrics.record_commit(0.012, 3)
    metrics.record_abort(0.5)
    metrics.record_rebalance(2)
    metrics.show_partitions({0: 5, 1: 0}, {0: 1.5, 1: 0.0})
    metrics.show_in_flight_chunks(2)
    metrics.show_ready(ready=True)
    metrics.show_trip("moderation_failed")
    shadow = ShadowTally(cpu_s=0.25)
    shadow.count_pair(Outcome.APPROVE, Outcome.APPROVE, NONE)
    shadow.count_pair(Outcome.APPROVE, Outcome.REJECT, "gambling")
    shadow.count_pair(Outcome.APPROVE, FAILED, NONE)
    metrics.record_shadow(shadow)
    metrics.record_shadow_sent(2)
    metrics.record_shadow_dropped("buffer_full", 7)
    metrics.show_shadow_buffered(5)
    metrics.show_candidate_off("too_slow")
    metrics.show_rollout(10.0, "reject_share")
    metrics.show_rollout_evidence({"reject_share": 1.5, "failures": 0.0})
    metrics.show_strategies(LEVELS.list_levels())
    metrics.record_swap(1.5)
    metrics.record_refusal("bundle")
    metrics.show_strategies_unreachable(3.0)
    metrics.show_model(ModelRef(id="stage_a-1", sha256="b" * 64))
    metrics.show_build("0.1.0", "0.1.0+bundle+model", "exactly_once")
    return metrics


def test_a_chunk_is_counted_once_in_every_metric_it_concerns() -> None:
    """Each number of a tally arrives in its series."""
    metrics = fill_everything()
    expected = {
        ("sluice_submissions_total",): 3,
        ("sluice_submissions_bytes_total",): 900,
        ("sluice_decisions_total", ("outcome", "approve"), ("policy", NONE), ("source", NONE)): 1,
        ("sluice_decisions_total", ("outcome", "reject"), ("policy", "gambling"), ("source", "rule")): 1,
        ("sluice_dead_letters_total", ("cause", "not_json"), ("caused_by", "sender")): 1,
        ("sluice_dead_letters_total", ("cause", "empty"), ("caused_by", "sender")): 0,
        ("sluice_review_tasks_total",): 1,
        ("sluice_outputs_cut_total", ("output", "dead_letter")): 1,
        ("sluice_unknown_fields_total", ("field", "creative.color")): 2,
        ("sluice_rule_failures_total", ("part", "gambling.terms")): 1,
        ("sluice_model_failures_total",): 1,
        ("sluice_moderation_failed_total",): 1,
        ("sluice_key_mismatches_total",): 1,
        ("sluice_skewed_submissions_total",): 0,
        ("sluice_decision_age_seconds_count",): 2,
        ("sluice_decision_age_seconds_bucket", ("le", "0.025")): 0,
        ("sluice_decision_age_seconds_bucket", ("le", "0.05")): 2,
        ("sluice_processing_seconds_bucket", ("le", "0.005")): 2,
        ("sluice_chunk_submissions_count",): 1,
        ("sluice_transactions_total", ("result", "committed")): 1,
        ("sluice_transactions_total", ("result", "aborted")): 1,
        ("sluice_transaction_seconds_count",): 2,
        ("sluice_transaction_submissions_sum",): 3,
        ("sluice_lag_submissions", ("partition", "0")): 5,
        ("sluice_progress_age_seconds", ("partition", "0")): 1.5,
        ("sluice_assigned_partitions",): 2,
        ("sluice_rebalances_total",): 1,
        ("sluice_in_flight_chunks",): 2,
        ("sluice_ready",): 1,
        ("sluice_tripped", ("cause", "moderation_failed")): 1,
        ("sluice_tripped", ("cause", "service_dead_letters")): 0,
        ("sluice_arm_decisions_total", ("arm", "live"), ("outcome", "reject")): 1,
        ("sluice_arm_decisions_total", ("arm", "candidate"), ("outcome", "reject")): 0,
        ("sluice_shadow_pairs_total", ("candidate", "approve"), ("live", "approve")): 1,
        ("sluice_shadow_pairs_total", ("candidate", "failed"), ("live", "approve")): 1,
        ("sluice_shadow_moved_total", ("candidate", "reject"), ("live", "approve"), ("policy", "gambling")): 1,
        ("sluice_shadow_moved_total", ("candidate", "approve"), ("live", "approve"), ("policy", NONE)): None,
        ("sluice_shadow_sent_total",): 2,
        ("sluice_shadow_dropped_total", ("cause", "buffer_full")): 7,
        ("sluice_shadow_cpu_seconds_total",): 0.25,
        ("sluice_shadow_buffered_ads",): 5,
        ("sluice_candidate_off", ("cause", "too_slow")): 1,
        ("sluice_candidate_off", ("cause", "fails")): 0,
        ("sluice_rollout_percent",): 10,
        ("sluice_rollout_halted", ("cause", "reject_share")): 1,
        ("sluice_rollout_halted", ("cause", "too_slow")): 0,
        ("sluice_rollout_guard_evidence", ("guard", "reject_share")): 1.5,
        ("sluice_bundle_info", ("channel", "live"), ("sha256", "a" * 64), ("version", "2026.11")): 1,
        ("sluice_bundle_info", ("channel", "candidate"), ("sha256", "b" * 64), ("version", "2026.12")): 1,
        ("sluice_strategies_source", ("source", "topic")): 1,
        ("sluice_strategies_source", ("source", "image")): 0,
        ("sluice_strategies_sequence",): 7,
        ("sluice_blocks",): 2,
        ("sluice_strategies_swapped_timestamp_seconds",): 1_795_339_800,
        ("sluice_strategies_unreachable_seconds",): 3,
        ("sluice_strategies_swap_seconds_count",): 1,
        ("sluice_strategies_refused_total", ("cause", "bundle")): 1,
        ("sluice_strategies_refused_total", ("cause", "entry")): 0,
        ("sluice_model_info", ("id", "stage_a-1"), ("sha256", "b" * 64)): 1,
    }
    samples = read_samples(metrics)
    assert {key: samples.get((key[0], tuple(key[1:]))) for key in expected} == expected  # type: ignore[arg-type]


def test_every_metric_of_the_catalogue_is_exported_under_its_name() -> None:
    """A filled worker shows a sample of each catalogued metric, and none that is not catalogued."""
    shown = {name for name, _ in read_samples(fill_everything()) if name.startswith("sluice_")}
    suffixes = {Kind.COUNTER: ("",), Kind.GAUGE: ("",), Kind.HISTOGRAM: ("_bucket", "_count", "_sum")}
    assert shown == {spec.name + suffix for spec in CATALOGUE for suffix in suffixes[spec.kind]}


def test_names_are_unique_and_counters_alone_end_in_total() -> None:
    """The catalogue keeps Prometheus' naming rules."""
    names = [spec.name for spec in CATALOGUE]
    assert len(set(names)) == len(names)
    assert all(spec.name.startswith("sluice_") for spec in CATALOGUE)
    assert all(spec.name.endswith("_total") == (spec.kind is Kind.COUNTER) for spec in CATALOGUE)
    assert all(list(spec.buckets) == sorted(set(spec.buckets)) for spec in CATALOGUE)
    assert all(bool(spec.buckets) == (spec.kind is Kind.HISTOGRAM) for spec in CATALOGUE)


def test_hostile_input_cannot_add_label_values_beyond_the_bounds() -> None:
    """Ten thousand invented names leave every label within its bound, and the rest is counted as `other`."""
    metrics = Metrics()
    hostile = [f'name-{number}\udc80\n"{"x" * 500}' for number in range(10_000)]
    for name in hostile:
        tally = ChunkTally(submissions=1)
        tally.decisions[name, name, name] += 1
        tally.dead_letters[name, name] += 1
        tally.unknown_fields[name] += 1
        tally.rule_failures[name] += 1
        tally.outputs_cut[name] += 1
        metrics.record_chunk(tally)
    metrics.show_trip(hostile[0])
    metrics.show_build(*hostile[:3])
    metrics.show_partitions(dict.fromkeys(range(10_000), 1), {})
    values: dict[tuple[str, str], set[str]] = {}
    for name, labels in read_samples(metrics):
        for label_name, value in labels:
            values.setdefault((name, label_name), set()).add(value)
    for spec in CATALOGUE:
        for label in spec.labels:
            seen = values.get((spec.name, label.name), set())
            assert len(seen) <= label.most_values, (spec.name, label.name)
            assert all(len(value) <= label.max_chars for value in seen)
    assert read_value(metrics, "sluice_unknown_fields_total", field="other") == 10_000 - 100
    assert read_value(metrics, "sluice_dead_letters_total", cause="other", caused_by="other") == 10_000


def test_the_number_of_series_of_a_worker_has_a_ceiling() -> None:
    """No metric of the catalogue can have more than 1,500 series per partition-free label set."""
    for spec in CATALOGUE:
        ceiling = 1
        for label in spec.labels:
            ceiling *= label.most_values
        assert ceiling <= 1_500, spec.name


def test_a_revoked_partition_is_no_longer_shown() -> None:
    """A lag that nobody updates would look like a stall for ever."""
    metrics = Metrics()
    metrics.show_partitions({0: 5, 1: 7}, {0: 1.0, 1: 2.0})
    metrics.show_partitions({1: 8}, {1: 0.0})
    assert read_value(metrics, "sluice_lag_submissions", partition="0") is None
    assert read_value(metrics, "sluice_progress_age_seconds", partition="0") is None
    assert read_value(metrics, "sluice_lag_submissions", partition="1") == 8


def test_partitions_may_come_and_go_for_ever() -> None:
    """The bound of the partition label counts partitions that are assigned, not all that ever were."""
    metrics = Metrics()
    for number in range(5_000):
        metrics.show_partitions({number: 1}, {number: 0.0})
    assert read_value(metrics, "sluice_lag_submissions", partition="4999") == 1


def test_a_new_bundle_replaces_the_old_one() -> None:
    """Exactly one bundle is live, however many were."""
    metrics = Metrics()
    for number in range(3):
        live = BundleRef(version=str(number), sha256="c" * 64)
        metrics.show_strategies(replace(LEVELS, live=live, candidate=None).list_levels())
    shown = [dict(labels) for name, labels in read_samples(metrics) if name == "sluice_bundle_info"]
    assert shown == [{"channel": "live", "version": "2", "sha256": "c" * 64}]


def test_a_cleared_trip_is_shown_as_zero_and_an_unknown_cause_as_other() -> None:
    """An alert on `sluice_tripped == 1` fires for every cause and ends with the trip."""
    metrics = Metrics()
    metrics.show_trip("a cause of a later release")
    assert read_value(metrics, "sluice_tripped", cause="other") == 1
    metrics.show_trip(None)
    assert [read_value(metrics, "sluice_tripped", cause=cause) for cause in TRIP_CAUSES] == [0, 0, 0]
    assert read_value(metrics, "sluice_tripped", cause="other") is None


def test_a_submission_from_the_future_counts_as_skewed_and_as_age_zero() -> None:
    """A sender's wrong clock must not pull the sum of ages down."""
    metrics, tally = Metrics(), ChunkTally(submissions=1)
    tally.count_decision(make_decision(Outcome.APPROVE, age=timedelta(hours=-3)))
    metrics.record_chunk(tally)
    assert read_value(metrics, "sluice_skewed_submissions_total") == 1
    assert read_value(metrics, "sluice_decision_age_seconds_sum") == 0
    assert read_value(metrics, "sluice_decision_age_seconds_bucket", le="0.01") == 1


def test_buckets_count_what_is_at_most_their_bound() -> None:
    """The bulk observation gives the same buckets as one by one; a value on a bound belongs to it."""
    metrics, tally = Metrics(), ChunkTally(submissions=6)
    tally.processing_s = [0.001, 0.0011, 0.0025, 29.9, 30.0, 31.0]
    metrics.record_chunk(tally)
    found = {le: read_value(metrics, "sluice_processing_seconds_bucket", le=le) for le in ("0.001", "0.0025", "30.0")}
    assert found == {"0.001": 1, "0.0025": 3, "30.0": 5}
    assert read_value(metrics, "sluice_processing_seconds_bucket", le="+Inf") == 6
    assert read_value(metrics, "sluice_processing_seconds_count") == 6
    assert read_value(metrics, "sluice_processing_seconds_sum") == pytest.approx(90.9046)


def test_a_counter_refuses_to_fall() -> None:
    """A negative amount is a programming error and is named."""
    with pytest.raises(ValueError, match="sluice_submissions_total is a counter and cannot fall by 1"):
        Metrics().record_chunk(ChunkTally(submissions=-1))


def test_two_workers_in_one_process_do_not_share_numbers() -> None:
    """There is no global registry."""
    first, second = Metrics(), Metrics()
    first.record_chunk(ChunkTally(submissions=2))
    assert read_value(second, "sluice_submissions_total") == 0


def test_the_page_tells_about_the_process_and_the_interpreter() -> None:
    """Memory and the garbage collector are watched with the same scrape."""
    names = {name for name, _ in read_samples(Metrics())}
    assert {"process_resident_memory_bytes", "python_info", "python_gc_collections_total"} <= names


def test_a_tally_counts_the_weightiest_reason_only() -> None:
    """The first reason gives policy and source; a failure without a policy counts under none."""
    tally = ChunkTally()
    failure = Reason(source=Source.FAILURE, id="moderation_failed", outcome=Outcome.REVIEW)
    model = Reason(policy="spam", source=Source.MODEL, id="stage_a", outcome=Outcome.REVIEW)
    tally.count_decision(make_decision(Outcome.REVIEW, failure, model))
    assert tally.decisions == Counter({("review", NONE, "failure"): 1})


def test_promtool_accepts_the_page() -> None:
    """Prometheus' own linter has nothing to say; where it is not installed, the parser above stands in."""
    promtool = shutil.which("promtool")
    page, content_type = fill_everything().render()
    assert content_type.startswith("text/plain; version=0.0.4")
    if promtool:
        done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
