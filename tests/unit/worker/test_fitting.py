import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.contracts.decision import (
    MAX_EVIDENCE,
    MAX_EXCERPT_CHARS,
    MAX_REASONS,
    AdvertiserMessage,
    Decision,
    Evidence,
    Outcome,
    Reason,
    Source,
)
from service.contracts.examples import DECISION, REVIEW_TASK, SUBMISSION
from service.contracts.review_task import ReviewTask
from service.contracts.submission import Creative, Submission
from service.worker.fitting import LEAST_BYTES, RECORD_OVERHEAD_BYTES, fit_decision, fit_review_task

# One byte, four bytes, and six bytes in JSON.
LETTERS = st.sampled_from(["a", "😀", "\x00", '"'])
COUNTS = st.integers(0, 400)
LIMITS = st.integers(LEAST_BYTES, 4_194_304)


def fill_reasons(letter: str) -> tuple[Reason, ...]:
    """Return as many reasons with as much evidence at their longest as the contract allows."""
    evidence = Evidence(field=letter * 64, start=0, end=10**6, excerpt=letter * MAX_EXCERPT_CHARS, matched=letter * 256)
    reason = Reason(
        policy="p" * 64,
        source=Source.RULE,
        id=letter * 128,
        outcome=Outcome.REVIEW,
        detail=letter * 500,
        evidence=(evidence,) * MAX_EVIDENCE,
    )
    return (reason,) * MAX_REASONS


def fill_creative(letter: str) -> Creative:
    """Return a creative with every text at its longest."""
    lengths = {name: field.metadata[0].max_length for name, field in Creative.model_fields.items()}
    return Creative(**{name: letter * length for name, length in lengths.items()})


def fill(letter: str, many: int) -> dict[str, object]:
    return {
        "reasons": fill_reasons(letter),
        "scores": {f"policy_{number:050}": 0.123456789 for number in range(many)},
        "degraded": tuple(f"rule_failed:{letter * 128}" for _ in range(many)),
    }


def make_decision(letter: str, many: int) -> Decision:
    messages = tuple(AdvertiserMessage(policy="p" * 64, text=letter * 1_000) for _ in range(many))
    return DECISION.model_copy(update={**fill(letter, many), "messages": messages, "ad_id": "😀" * 128})


def make_task(letter: str, many: int) -> ReviewTask:
    attributes = {f"a{number:063}": letter * 1_000 for number in range(64)}
    submission = SUBMISSION.model_copy(
        update={"ad_id": "😀" * 128, "creative": fill_creative(letter), "attributes": attributes}
    )
    return REVIEW_TASK.model_copy(update={**fill(letter, many), "submission": submission, "ad_id": "😀" * 128})


@settings(max_examples=60, deadline=None)
@given(letter=LETTERS, many=COUNTS, most_bytes=LIMITS)
def test_a_decision_fits_its_topic_whatever_it_holds(letter: str, many: int, most_bytes: int) -> None:
    """A decision that does not fit would abort its transaction for ever; what is left is still a decision."""
    decision = make_decision(letter, many)
    value, cut = fit_decision(decision, most_bytes)
    read = Decision.model_validate_json(value)
    assert len(value) + RECORD_OVERHEAD_BYTES <= most_bytes
    assert cut == (read != decision)
    assert cut == ("evidence_cut" in read.degraded)
    kept = ("decision_id", "ad_id", "revision", "outcome", "statement", "origin", "bundle", "model", "decided_at")
    assert [getattr(read, name) for name in kept] == [getattr(decision, name) for name in kept]


@settings(max_examples=60, deadline=None)
@given(letter=LETTERS, many=COUNTS, most_bytes=LIMITS)
def test_a_task_fits_its_topic_whatever_it_holds(letter: str, many: int, most_bytes: int) -> None:
    """What is left of the task is a task, and says where the whole ad lies."""
    task = make_task(letter, many)
    value, cut = fit_review_task(task, b"the record", most_bytes)
    read = ReviewTask.model_validate_json(value)
    assert len(value) + RECORD_OVERHEAD_BYTES <= most_bytes
    assert cut == (read != task) == (read.submission_cut is not None)
    kept = ("task_id", "ad_id", "priority", "due_at", "suggested_outcome", "group_key", "landing_page", "origin")
    assert [getattr(read, name) for name in kept] == [getattr(task, name) for name in kept]


def test_the_shipped_limits_hold_every_reason_and_evidence() -> None:
    """With the shipped topics, evidence is lost only where a bundle has messages or rules by the hundreds."""
    assert fit_decision(make_decision("\x00", 12), 2_097_152)[1] is False


def test_what_fits_is_left_alone() -> None:
    """An ordinary output is its contract's own JSON."""
    assert fit_decision(DECISION, LEAST_BYTES) == (DECISION.model_dump_json().encode(), False)
    assert fit_review_task(REVIEW_TASK, b"", LEAST_BYTES) == (REVIEW_TASK.model_dump_json().encode(), False)


def test_a_decision_loses_its_evidence_first() -> None:
    """Reasons, messages and scores are worth more than the places of words."""
    decision = make_decision("a", 3)
    whole = len(decision.model_dump_json().encode()) + RECORD_OVERHEAD_BYTES
    read = Decision.model_validate_json(fit_decision(decision, whole - 1)[0])
    assert [reason.evidence for reason in read.reasons] == [()] * MAX_REASONS
    assert [reason.detail for reason in read.reasons] == [reason.detail for reason in decision.reasons]
    assert (read.messages, read.scores) == (decision.messages, decision.scores)
    assert read.degraded == ("evidence_cut", *decision.degraded)


def test_a_cut_task_names_the_record_it_was_cut_from() -> None:
    """A reviewer who needs the whole text can fetch it, and see by its hash that it is the same."""
    value = b'{"the": "record"}'
    read = ReviewTask.model_validate_json(fit_review_task(make_task("a", 3), value, LEAST_BYTES)[0])
    assert read.submission_cut is not None
    assert read.submission_cut.value_sha256 == hashlib.sha256(value).hexdigest()
    assert read.submission_cut.value_bytes == len(value)
    assert read.submission.creative.transcript == "a" * 1_000
    assert read.submission.attributes == {}


@pytest.mark.parametrize("spare", [-1, 0])
def test_the_limit_itself_is_allowed(spare: int) -> None:
    """One byte less is the first that is cut."""
    size = len(DECISION.model_dump_json().encode()) + RECORD_OVERHEAD_BYTES
    assert fit_decision(DECISION, size + spare)[1] is (spare < 0)


def test_filled_contracts_are_valid() -> None:
    """The tests above start from records that the contracts allow."""
    Submission.model_validate(make_task('"', 3).submission.model_dump())
    Decision.model_validate(make_decision('"', 3).model_dump())
