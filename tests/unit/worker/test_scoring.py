import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.classifier import Classifier
from service.contracts.dead_letter import CausedBy, Unreadable
from service.contracts.decision import Decision, Outcome, identify_decision
from service.contracts.review_task import ReviewTask
from service.deployment import Deployment
from service.moderate import LiveBundle
from service.worker.dead_letter_record import read_headers
from service.worker.fitting import LEAST_BYTES, RECORD_OVERHEAD_BYTES, SizeLimits
from service.worker.in_force import InForce, name_build
from service.worker.outputs import ChunkOutputs
from service.worker.scoring import ScoringPipeline, to_time
from tests.ads import encode_ad, make_ad, make_uncertain, stream_ads
from tests.moderating import NOW, load_shipped, make_classifier

LIMITS = SizeLimits(2_097_152, 4_194_304, 1_114_112)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Record:
    """A consumed record, as aiokafka gives it."""

    value: bytes | None
    key: bytes | None = b"ad-1"
    offset: int = 7
    timestamp: int = 1_769_947_200_000
    topic: str = "ads.submissions"
    partition: int = 3
    headers: Sequence[tuple[str, bytes | None]] = ()


def make_pipeline(bundle: LiveBundle | None = None, limits: SizeLimits = LIMITS) -> ScoringPipeline:
    return ScoringPipeline(InForce("build-1", Deployment(bundle or load_shipped())), limits, lambda: NOW)


def score(*records: Record, limits: SizeLimits = LIMITS) -> ChunkOutputs:
    return make_pipeline(limits=limits)(records)


def read_decisions(outputs: ChunkOutputs) -> list[Decision]:
    return [Decision.model_validate_json(record.value or b"") for record in outputs.decisions]


def read_tasks(outputs: ChunkOutputs) -> list[ReviewTask]:
    return [ReviewTask.model_validate_json(record.value or b"") for record in outputs.review_tasks]


def send(**changes: Any) -> Record:  # noqa: ANN401 - any JSON value
    return Record(encode_ad(make_ad(**changes)))


def test_every_record_has_one_answer_in_order() -> None:
    """A decision or a dead letter for each, with the record's own key, and a task for each review."""
    records = [Record(value, key, offset) for offset, (key, value) in enumerate(stream_ads(40))]
    outputs = score(*records)
    letters = [int(read_headers(letter.headers)["sluice.errors.offset"]) for letter in outputs.dead_letters]
    decisions = read_decisions(outputs)
    assert letters == [5, 15, 25, 35]
    assert [decision.origin.offset for decision in decisions] == [n for n in range(40) if n not in letters]
    assert [record.key for record in outputs.decisions] == [decision.ad_id.encode() for decision in decisions]
    reviewed = [decision.ad_id for decision in decisions if decision.outcome is Outcome.REVIEW]
    assert [task.ad_id for task in read_tasks(outputs)] == reviewed
    assert [record.key for record in outputs.review_tasks] == [ad_id.encode() for ad_id in reviewed]


def test_the_tally_says_what_the_outputs_are() -> None:
    """What is counted is what was written."""
    records = [Record(value, key, offset) for offset, (key, value) in enumerate(stream_ads(40))]
    outputs = score(*records)
    tally, decisions = outputs.tally, read_decisions(outputs)
    assert tally.submissions == 40
    assert tally.submission_bytes == sum(len(record.value or b"") for record in records)
    assert tally.decisions.total() == len(decisions) == 36
    by_outcome: Counter[str] = Counter()
    for (outcome, _, _), amount in tally.decisions.items():
        by_outcome[outcome] += amount
    assert by_outcome == Counter(decision.outcome.value for decision in decisions)
    assert tally.review_tasks == len(outputs.review_tasks) == by_outcome["review"]
    assert tally.dead_letters == {(Unreadable.NOT_JSON, CausedBy.SENDER): 4}
    assert len(tally.ages_s) == len(tally.processing_s) == 36
    ages_s = [(d.decided_at - d.submitted_at).total_seconds() + d.processing_ms / 1_000 for d in decisions]
    assert tally.ages_s == pytest.approx(ages_s)
    assert (tally.key_mismatches, tally.moderation_failed, tally.model_failures) == (0, 0, 0)
    assert not tally.unknown_fields
    assert not tally.outputs_cut.total()


def test_an_empty_chunk_gives_nothing() -> None:
    """Nothing in, nothing out."""
    outputs = score()
    assert (outputs.decisions, outputs.review_tasks, outputs.dead_letters) == ([], [], [])
    assert outputs.tally.submissions == 0


def test_a_decision_names_its_record() -> None:
    """Coordinates and the record's timestamp come from the record, the clock is read once a chunk."""
    first, second = read_decisions(score(send(), Record(encode_ad(make_ad("ad-2")), b"ad-2", 8)))
    assert (first.origin.topic, first.origin.partition, first.origin.offset) == ("ads.submissions", 3, 7)
    assert first.received_at == datetime(2026, 2, 1, 12, tzinfo=UTC)
    assert first.decision_id == identify_decision(first.origin, "ad-1", 1)
    assert first.decided_at == second.decided_at == NOW
    assert 0 <= first.processing_ms <= second.processing_ms


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, Unreadable.EMPTY),
        (b"", Unreadable.EMPTY),
        (b"\xff", Unreadable.NOT_UTF8),
        (b"[1]", Unreadable.INVALID_FIELD),
        (b"{oops", Unreadable.NOT_JSON),
        (b'{"a":' * 100, Unreadable.TOO_DEEP),
        (encode_ad(make_ad(market="XX")), Unreadable.INVALID_FIELD),
        (b"x" * 1_100_000, Unreadable.TOO_LARGE),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_why(value: bytes | None, error: Unreadable) -> None:
    """A dead letter has the original's key, bytes and headers; ours are added behind them."""
    outputs = score(Record(value, b"\xfe", headers=[("trace", b"1")]))
    letter = outputs.dead_letters[0]
    headers = read_headers(letter.headers)
    assert (letter.key, letter.value, letter.headers[0]) == (b"\xfe", value, ("trace", b"1"))
    assert headers["sluice.errors.exception.class.name"] == error
    assert headers["sluice.errors.caused.by"] == "sender"
    assert headers["sluice.errors.build"] == outputs.build == name_build("build-1", load_shipped())
    assert outputs.tally.dead_letters == {(error, CausedBy.SENDER): 1}
    assert outputs.decisions == outputs.review_tasks == []


def test_bad_neighbours_do_not_change_an_answer() -> None:
    """A chunk's broken records leave its good ones as they are."""
    record = Record(encode_ad(make_uncertain("ad-1")))
    alone, among = score(record), score(Record(b"no"), record, Record(None))
    assert among.review_tasks == alone.review_tasks
    timeless = {"processing_ms": 0.0}
    assert [d.model_copy(update=timeless) for d in read_decisions(among)] == [
        d.model_copy(update=timeless) for d in read_decisions(alone)
    ]


@pytest.mark.parametrize("key", [None, b"", b"other", b"\xff", b"ad-1 "])
def test_a_wrong_key_is_counted_and_decided(key: bytes | None) -> None:
    """The ad is decided under its ad_id, which is the decision's key."""
    outputs = score(Record(encode_ad(make_ad()), key))
    assert outputs.tally.key_mismatches == 1
    assert [record.key for record in outputs.decisions] == [b"ad-1"]


def test_unknown_fields_are_counted_by_name() -> None:
    """A sender's new field is ignored, and seen in the metrics."""
    outputs = score(send(colour="red"), send(colour="blue", size=3))
    assert outputs.tally.unknown_fields == {"colour": 2, "size": 1}
    assert len(outputs.decisions) == 2


def test_an_ad_from_the_future_is_counted() -> None:
    """A sender's clock that is ahead shows, and hurts nothing else."""
    outputs = score(send(submitted_at="9999-12-31T00:00:00Z"))
    assert outputs.tally.skewed_submissions == 1
    assert read_decisions(outputs)[0].outcome is Outcome.APPROVE


@pytest.mark.parametrize(
    ("timestamp_ms", "time"),
    [
        (0, EPOCH),
        (-1, EPOCH),
        (-(2**63), EPOCH),
        (2**63 - 1, EPOCH),
        (253_402_300_800_000, EPOCH),
        (1_769_947_200_500, datetime(2026, 2, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_any_timestamp_is_a_time(timestamp_ms: int, time: datetime) -> None:
    """Kafka's -1 for none and times beyond the calendar count as 1970; the ad is decided."""
    assert to_time(timestamp_ms) == time
    assert read_decisions(score(Record(encode_ad(make_ad()), timestamp=timestamp_ms)))[0].received_at == time


@settings(max_examples=200)
@given(timestamp_ms=st.integers(-(2**63), 2**63 - 1))
def test_a_timestamp_never_raises(timestamp_ms: int) -> None:
    """A producer may send any 64 bits."""
    assert to_time(timestamp_ms).tzinfo is UTC


def test_large_outputs_are_cut_and_counted() -> None:
    """Below the topic's limit the ad's texts are shortened and its record named; the decision stays whole."""
    ad = make_uncertain("ad-1")
    record = Record(encode_ad({**ad, "creative": {**ad["creative"], "transcript": "😀 word " * 6_000}}))
    outputs = score(record, limits=SizeLimits(LEAST_BYTES, 60_000, LEAST_BYTES))
    assert outputs.tally.outputs_cut == {"review_task": 1, "decision": 0}
    task = read_tasks(outputs)[0]
    assert task.submission_cut is not None
    assert task.submission_cut.value_bytes == len(record.value or b"")
    assert len(outputs.review_tasks[0].value or b"") + RECORD_OVERHEAD_BYTES <= 60_000


def test_a_large_dead_letter_is_cut_and_counted() -> None:
    """Its hash and its coordinates lead to the original."""
    outputs = score(Record(b"x" * 300_000), limits=SizeLimits(LEAST_BYTES, LEAST_BYTES, 100_000))
    assert outputs.tally.outputs_cut["dead_letter"] == 1
    assert len(outputs.dead_letters[0].value or b"") < 100_000
    assert read_headers(outputs.dead_letters[0].headers)["sluice.errors.value.bytes"] == "300000"


def test_a_model_that_fails_is_counted_and_seen() -> None:
    """Every ad goes to review, and the metrics show why."""
    shipped = load_shipped()
    broken = shipped._replace(classifier=make_classifier(poison=" ", labels=shipped.classifier.labels))
    outputs = make_pipeline(broken)([send(), send()])
    assert [decision.outcome for decision in read_decisions(outputs)] == [Outcome.REVIEW] * 2
    assert (outputs.tally.model_failures, outputs.tally.moderation_failed) == (2, 0)
    assert outputs.tally.decisions == {("review", "none", "failure"): 2}
    assert len(outputs.review_tasks) == 2


def test_an_ad_that_fails_in_moderation_is_counted_for_the_guard() -> None:
    """The guard trips by this number; the ad has a task all the same."""
    shipped = load_shipped()
    whole = {"wordy": [0.9] * 12}

    class OnlyWholeTexts(Classifier):
        def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if "wordy" in texts:
                raise RuntimeError("no single words")
            return super().score(texts)

    stage = make_classifier(whole, labels=shipped.classifier.labels)._stage
    pipeline = make_pipeline(shipped._replace(classifier=OnlyWholeTexts(stage, "ab" * 32)))
    outputs = pipeline([send(creative={"body": "a wordy ad"}), Record(encode_ad(make_ad("ad-2")), b"ad-2", 8)])
    failed, fine = read_decisions(outputs)
    assert (outputs.tally.moderation_failed, outputs.tally.submissions) == (1, 2)
    assert (failed.outcome, failed.degraded) == (Outcome.REVIEW, ("moderation_failed",))
    assert (fine.outcome, fine.degraded) == (Outcome.APPROVE, ())
    assert [task.ad_id for task in read_tasks(outputs)] == ["ad-1"]


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "market": st.sampled_from(["DE", "US", "SA", "XX", 7, None]),
        "vertical": st.sampled_from(["retail", "betting", "vaping", "politics", "Not A Slug"]),
        "revision": st.one_of(st.integers(), st.floats(), st.none()),
        "creative": st.fixed_dictionaries(
            {}, optional={name: st.text(max_size=60) for name in ("headline", "body", "landing_url", "display_url")}
        ),
        "attributes": st.dictionaries(st.sampled_from(["discount_pct", "apr_pct", "x", "1"]), st.text() | st.floats()),
    },
)


@settings(max_examples=150, deadline=None)
@given(values=st.lists(st.binary(max_size=40) | FIELDS, max_size=6))
def test_nothing_is_lost_whatever_comes(values: list[bytes | dict[str, Any]]) -> None:
    """Bytes and near-valid ads: each is decided or a dead letter, and the pipeline never raises."""
    records = [
        Record(v if isinstance(v, bytes) else json.dumps({**make_ad(), **v}).encode(), offset=n)
        for n, v in enumerate(values)
    ]
    outputs = score(*records)
    answered = [decision.origin.offset for decision in read_decisions(outputs)]
    answered += [int(read_headers(letter.headers)["sluice.errors.offset"]) for letter in outputs.dead_letters]
    assert sorted(answered) == list(range(len(records)))
    assert outputs.tally.moderation_failed == 0
    assert len(read_tasks(outputs)) == sum(d.outcome is Outcome.REVIEW for d in read_decisions(outputs))
