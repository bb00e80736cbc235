"""Keeps every output below its topic's size limit, so that no record can make its transaction fail for ever."""

import hashlib
from dataclasses import dataclass

from service.contracts.decision import Decision, Reason
from service.contracts.review_task import ReviewTask, SubmissionCut
from service.contracts.submission import TEXT_FIELDS, URL_FIELDS

RECORD_OVERHEAD_BYTES = 1_024
"""Room for a record's key, headers and batch framing below the topic's `max.message.bytes`."""

_CUT_TEXT_CHARS = 1_000


@dataclass(frozen=True)
class SizeLimits:
    """The largest record, in bytes, that each output topic takes (its `max.message.bytes`)."""

    decision_bytes: int
    review_task_bytes: int
    dead_letter_bytes: int


def fit_decision(decision: Decision, most_bytes: int) -> tuple[bytes, bool]:
    """Return the decision's JSON and whether evidence was dropped to make it fit."""
    value = decision.model_dump_json().encode()
    if len(value) + RECORD_OVERHEAD_BYTES <= most_bytes:
        return value, False
    cut = decision.model_copy(
        update={"reasons": _drop_evidence(decision.reasons), "degraded": (*decision.degraded, "evidence_cut")}
    )
    return cut.model_dump_json().encode(), True


def fit_review_task(task: ReviewTask, submission_value: bytes, most_bytes: int) -> tuple[bytes, bool]:
    """Return the task's JSON and whether it was cut: its texts shortened, their record's hash noted."""
    value = task.model_dump_json().encode()
    if len(value) + RECORD_OVERHEAD_BYTES <= most_bytes:
        return value, False
    names = [field.removeprefix("creative.") for field in (*TEXT_FIELDS, *URL_FIELDS)]
    creative = task.submission.creative
    shortened = creative.model_copy(update={name: getattr(creative, name)[:_CUT_TEXT_CHARS] for name in names})
    cut = task.model_copy(
        update={
            "submission": task.submission.model_copy(update={"creative": shortened, "attributes": {}}),
            "submission_cut": SubmissionCut(
                value_sha256=hashlib.sha256(submission_value).hexdigest(), value_bytes=len(submission_value)
            ),
            "reasons": _drop_evidence(task.reasons),
        }
    )
    return cut.model_dump_json().encode(), True


def _drop_evidence(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    return tuple(reason.model_copy(update={"evidence": ()}) for reason in reasons)
