"""Keeps every output below its topic's size limit, so that no record can make its transaction fail for ever.

What is cut goes in two steps: first what can be looked up (evidence, long texts), then all but the weightiest.
"""

import hashlib
from dataclasses import dataclass

from service.contracts.decision import Decision, Reason
from service.contracts.review_task import ReviewTask, SubmissionCut
from service.contracts.submission import TEXT_FIELDS, URL_FIELDS

RECORD_OVERHEAD_BYTES = 1_024
"""Room for a record's key, headers and batch framing below the topic's `max.message.bytes`."""

LEAST_BYTES = 262_144
"""With a topic limit from here up every decision and task fits; below, what remains is as small as it gets."""

_CUT_TEXT_CHARS = 1_000
_CUT_DETAIL_CHARS = 100
_MOST_KEPT = 5
_MOST_KEPT_SCORES = 64
_CUT_PART_CHARS = 160


@dataclass(frozen=True)
class SizeLimits:
    """The largest record, in bytes, that each output topic takes (its `max.message.bytes`)."""

    decision_bytes: int
    review_task_bytes: int
    dead_letter_bytes: int


def fit_decision(decision: Decision, most_bytes: int) -> tuple[bytes, bool]:
    """Return the decision's JSON and whether it was cut to make it fit; `degraded` then names `evidence_cut`."""
    value = decision.model_dump_json().encode()
    if _fits(value, most_bytes):
        return value, False
    cut = decision.model_copy(
        update={"reasons": _drop_evidence(decision.reasons), "degraded": ("evidence_cut", *decision.degraded)}
    )
    value = cut.model_dump_json().encode()
    if not _fits(value, most_bytes):
        shortest = {**_keep_weightiest(cut), "messages": cut.messages[:_MOST_KEPT]}
        value = cut.model_copy(update=shortest).model_dump_json().encode()
    return value, True


def fit_review_task(task: ReviewTask, submission_value: bytes, most_bytes: int) -> tuple[bytes, bool]:
    """Return the task's JSON and whether it was cut: its texts shortened, their record's hash noted."""
    value = task.model_dump_json().encode()
    if _fits(value, most_bytes):
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
    value = cut.model_dump_json().encode()
    if not _fits(value, most_bytes):
        value = cut.model_copy(update=_keep_weightiest(cut)).model_dump_json().encode()
    return value, True


def _fits(value: bytes, most_bytes: int) -> bool:
    return len(value) + RECORD_OVERHEAD_BYTES <= most_bytes


def _drop_evidence(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    return tuple(reason.model_copy(update={"evidence": ()}) for reason in reasons)


def _keep_weightiest(record: Decision | ReviewTask) -> dict[str, object]:
    # Their numbers depend on the bundle and the model alone, so only an odd bundle comes this far.
    highest = sorted(record.scores.items(), key=lambda pair: -pair[1])[:_MOST_KEPT_SCORES]
    return {
        "reasons": tuple(
            reason.model_copy(update={"detail": reason.detail[:_CUT_DETAIL_CHARS]})
            for reason in record.reasons[:_MOST_KEPT]
        ),
        "scores": dict(highest),
        "degraded": tuple(part[:_CUT_PART_CHARS] for part in record.degraded[:_MOST_KEPT]),
    }
