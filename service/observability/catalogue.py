"""Every metric that a worker exports: the one place where a name, a label or a bucket is decided.

`metrics` gives each of them its numbers; `table` renders this list as `deploy/metrics.md`. No label ever holds an
ad's or an advertiser's id, and each label has a bound that hostile input cannot move.
"""

from service.contracts.dead_letter import CausedBy, Unreadable
from service.contracts.decision import Outcome, Source
from service.observability.spec import Kind, Label, MetricSpec

NONE = "none"
"""The policy and source of a decision without reasons: a clean approval."""

FAILED = "failed"
"""The outcome of a bundle that could not judge an ad."""

DROP_CAUSES = ("buffer_full", "candidate_off", "stopped", "not_sent", "failed")
OFF_CAUSES = ("too_slow", "fails")
GUARDS = ("reject_share", "review_share", "approve_share", "failures")
TRIP_CAUSES = ("moderation_failed", "service_dead_letters", "sender_dead_letters")

POLICY = Label("policy", "policy of the weightiest reason, or none", (NONE,), room=64)
SOURCE = Label("source", "part that gave the weightiest reason, or none", (*Source, NONE))
OUTCOME = Label("outcome", "what was decided", tuple(Outcome))
CAUSE = Label("cause", "error class of the dead letter", tuple(Unreadable))
CAUSED_BY = Label("caused_by", "who has to mend it", tuple(CausedBy))
PART = Label("part", "id of the rule, as in the bundle", room=200)
FIELD = Label("field", "path of the unknown field, the first 100 names", room=100)
RESULT = Label("result", "how the transaction ended", ("committed", "aborted"))
PARTITION = Label("partition", "partition of the submissions topic, while it is assigned", room=1_000, max_chars=10)
OUTPUT = Label("output", "kind of record that was cut", ("decision", "review_task", "dead_letter"))
TRIP_CAUSE = Label("cause", "limit that was exceeded", TRIP_CAUSES)
ARM = Label("arm", "bundle that decided", ("live", "candidate"))
LIVE_OUTCOME = Label("live", "what live makes of the ad", (*Outcome, FAILED))
CANDIDATE_OUTCOME = Label("candidate", "what the candidate makes of the ad", (*Outcome, FAILED))
MOVED_POLICY = Label("policy", "policy of the stricter arm's weightiest reason, or none", (NONE,), room=48)
DROP_CAUSE = Label("cause", "why it was dropped", DROP_CAUSES)
OFF_CAUSE = Label("cause", "why it is off", OFF_CAUSES)
GUARD = Label("guard", "guard rail of the rollout", GUARDS)
HALT_CAUSE = Label("cause", "guard rail that gave way", (*GUARDS, *OFF_CAUSES))

SUBMISSIONS = MetricSpec(
    "sluice_submissions_total", Kind.COUNTER, "Records read from the submissions topic, readable or not."
)
SUBMISSION_BYTES = MetricSpec("sluice_submissions_bytes_total", Kind.COUNTER, "Bytes of the values of those records.")
DECISIONS = MetricSpec(
    "sluice_decisions_total",
    Kind.COUNTER,
    "Decisions made, by outcome and by policy and source of the weightiest reason.",
    (OUTCOME, POLICY, SOURCE),
)
REVIEW_TASKS = MetricSpec("sluice_review_tasks_total", Kind.COUNTER, "Review tasks made.")
DEAD_LETTERS = MetricSpec(
    "sluice_dead_letters_total", Kind.COUNTER, "Records that could not be read.", (CAUSE, CAUSED_BY)
)
OUTPUTS_CUT = MetricSpec(
    "sluice_outputs_cut_total", Kind.COUNTER, "Outputs above their topic's size limit that were cut.", (OUTPUT,)
)
UNKNOWN_FIELDS = MetricSpec(
    "sluice_unknown_fields_total", Kind.COUNTER, "Fields of submissions that were ignored as unknown.", (FIELD,)
)
KEY_MISMATCHES = MetricSpec(
    "sluice_key_mismatches_total", Kind.COUNTER, "Submissions whose record key is not their ad_id."
)
SKEWED_SUBMISSIONS = MetricSpec(
    "sluice_skewed_submissions_total", Kind.COUNTER, "Submissions whose submitted_at lies in the worker's future."
)
MODERATION_FAILED = MetricSpec(
    "sluice_moderation_failed_total", Kind.COUNTER, "Ads that failed in scoring and were sent to review for that."
)
MODEL_FAILURES = MetricSpec(
    "sluice_model_failures_total", Kind.COUNTER, "Ads that were decided without the model because it failed."
)
RULE_FAILURES = MetricSpec(
    "sluice_rule_failures_total", Kind.COUNTER, "Evaluations of a rule that failed, by rule.", (PART,)
)
TRANSACTIONS = MetricSpec("sluice_transactions_total", Kind.COUNTER, "Transactions ended, by result.", (RESULT,))
REBALANCES = MetricSpec("sluice_rebalances_total", Kind.COUNTER, "Assignments of partitions received.")
ARM_DECISIONS = MetricSpec(
    "sluice_arm_decisions_total", Kind.COUNTER, "Decisions made, by the arm of the rollout.", (ARM, OUTCOME)
)
SHADOW_PAIRS = MetricSpec(
    "sluice_shadow_pairs_total",
    Kind.COUNTER,
    "Ads that live and the candidate have both judged, by their outcomes; equal ones are the agreement.",
    (LIVE_OUTCOME, CANDIDATE_OUTCOME),
)
SHADOW_MOVED = MetricSpec(
    "sluice_shadow_moved_total",
    Kind.COUNTER,
    "Ads whose outcome the candidate would change, by policy.",
    (LIVE_OUTCOME, CANDIDATE_OUTCOME, MOVED_POLICY),
)
SHADOW_SENT = MetricSpec("sluice_shadow_sent_total", Kind.COUNTER, "Shadow decisions that the broker acknowledged.")
SHADOW_DROPPED = MetricSpec(
    "sluice_shadow_dropped_total", Kind.COUNTER, "Ads or shadow decisions that were dropped, by cause.", (DROP_CAUSE,)
)
SHADOW_CPU = MetricSpec(
    "sluice_shadow_cpu_seconds_total", Kind.COUNTER, "Processor time spent on judging ads by the other bundle."
)

STRATEGIES_REFUSED = MetricSpec(
    "sluice_strategies_refused_total",
    Kind.COUNTER,
    "Ledger entries and bundles that this worker did not take; what was in force went on.",
    (Label("cause", "what was refused", ("entry", "bundle", "block", "history")),),
)

DECISION_AGE = MetricSpec(
    "sluice_decision_age_seconds",
    Kind.HISTOGRAM,
    "Seconds from submitted_at to the decision; a time in the future counts as 0.",
    # 10 ms is a good round trip; the upper ones tell a restart from an outage of hours
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400),
)
PROCESSING = MetricSpec(
    "sluice_processing_seconds",
    Kind.HISTOGRAM,
    "Seconds from the read of an ad's chunk to its decision's bytes.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SWAP_TIME = MetricSpec(
    "sluice_strategies_swap_seconds",
    Kind.HISTOGRAM,
    "Seconds from reading a ledger entry that places a bundle to that bundle being in force.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64),
)
CHUNK_SIZE = MetricSpec(
    "sluice_chunk_submissions",
    Kind.HISTOGRAM,
    "Records in a chunk.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024),
)
TRANSACTION_TIME = MetricSpec(
    "sluice_transaction_seconds",
    Kind.HISTOGRAM,
    "Seconds from the begin of a transaction to its end.",
    buckets=(0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.25, 2.5, 5, 10, 30),
)
TRANSACTION_SIZE = MetricSpec(
    "sluice_transaction_submissions",
    Kind.HISTOGRAM,
    "Records that one transaction settled.",
    buckets=(1, 4, 16, 64, 256, 1_024, 4_096, 16_384),
)

IN_FLIGHT_CHUNKS = MetricSpec(
    "sluice_in_flight_chunks", Kind.GAUGE, "Chunks read whose decisions are not yet committed."
)
ASSIGNED_PARTITIONS = MetricSpec("sluice_assigned_partitions", Kind.GAUGE, "Partitions assigned to this worker.")
LAG = MetricSpec(
    "sluice_lag_submissions",
    Kind.GAUGE,
    "Records between the consumer's position and the end of the partition.",
    (PARTITION,),
)
PROGRESS_AGE = MetricSpec(
    "sluice_progress_age_seconds",
    Kind.GAUGE,
    "Seconds since the partition last moved or had nothing to do.",
    (PARTITION,),
)
READY = MetricSpec("sluice_ready", Kind.GAUGE, "1 while the worker is ready, else 0.")
TRIPPED = MetricSpec(
    "sluice_tripped", Kind.GAUGE, "1 while the worker does not fetch because a limit was exceeded.", (TRIP_CAUSE,)
)
SHADOW_BUFFERED = MetricSpec("sluice_shadow_buffered_ads", Kind.GAUGE, "Ads that wait for the candidate's ruling.")
CANDIDATE_OFF = MetricSpec(
    "sluice_candidate_off", Kind.GAUGE, "1 while this worker does not evaluate the candidate, else 0.", (OFF_CAUSE,)
)
ROLLOUT_PERCENT = MetricSpec(
    "sluice_rollout_percent", Kind.GAUGE, "Share of the advertisers that the candidate decides; 0 without a rollout."
)
ROLLOUT_HALTED = MetricSpec(
    "sluice_rollout_halted", Kind.GAUGE, "1 while the rollout in force is stopped by a guard rail.", (HALT_CAUSE,)
)
ROLLOUT_EVIDENCE = MetricSpec(
    "sluice_rollout_guard_evidence",
    Kind.GAUGE,
    "What this worker has found against the candidate, as a share of what stops the rollout.",
    (GUARD,),
)
BUNDLE_INFO = MetricSpec(
    "sluice_bundle_info",
    Kind.GAUGE,
    "The live bundle, and the candidate if there is one; always 1.",
    (
        Label("channel", "what the bundle does", ("live", "candidate")),
        Label("version", "of the bundle", room=2),
        Label("sha256", "over the bundle's files", room=2),
    ),
)
STRATEGIES_SOURCE = MetricSpec(
    "sluice_strategies_source",
    Kind.GAUGE,
    "1 for where the live bundle came from, else 0.",
    (Label("source", "the strategies topic, or the worker's image", ("topic", "image")),),
)
LEDGER_SEQUENCE = MetricSpec(
    "sluice_strategies_sequence", Kind.GAUGE, "Last entry of the strategies' ledger that is in force or refused here."
)
BLOCKS = MetricSpec("sluice_blocks", Kind.GAUGE, "Emergency blocks in force.")
SWAPPED_AT = MetricSpec(
    "sluice_strategies_swapped_timestamp_seconds", Kind.GAUGE, "When what is in force last changed, Unix time."
)
UNREACHABLE = MetricSpec(
    "sluice_strategies_unreachable_seconds",
    Kind.GAUGE,
    "Seconds since the strategies topic last answered; what is in force goes on meanwhile.",
)
MODEL_INFO = MetricSpec(
    "sluice_model_info",
    Kind.GAUGE,
    "The live classifier; always 1.",
    (Label("id", "of the model", room=1), Label("sha256", "of the model's file", room=1)),
)
BUILD_INFO = MetricSpec(
    "sluice_build_info",
    Kind.GAUGE,
    "The running release; always 1.",
    (
        Label("version", "of Sluice", room=1),
        Label("build", "release, bundle and model in one string", room=1, max_chars=256),
        Label("delivery", "the guarantee of delivery", ("exactly_once", "at_least_once"), room=1),
    ),
)

CATALOGUE: tuple[MetricSpec, ...] = tuple(value for value in list(globals().values()) if isinstance(value, MetricSpec))
