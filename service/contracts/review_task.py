"""Topic `ads.review.tasks`: an uncertain ad with everything a reviewer needs, without another look-up."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from service.contracts.decision import BundleRef, ModelRef, Origin, Outcome, Reason, StrategyRef
from service.contracts.model import Contract, Id, Probability, Sha256, Slug, Timestamp
from service.contracts.submission import Submission


class LandingPage(Contract):
    """Where a click would lead, as a browser reads the landing URL."""

    valid: bool
    host: str = Field(default="", max_length=255)
    registrable_domain: str = Field(default="", max_length=255)
    differs_from_display: bool = False


class SubmissionCut(Contract):
    """Says that the texts of `submission` were shortened to fit the topic; the whole lies at the task's `origin`."""

    value_sha256: Sha256 = Field(description="Of the submission record's whole value.")
    value_bytes: int = Field(ge=0)


class ReviewTask(Contract):
    """One uncertain ad. Review the highest `priority` first; tasks with one `group_key` are near-duplicates."""

    schema_version: Literal[1] = 1
    task_id: UUID = Field(description="Equals the id of the decision that asked for the review.")
    decision_id: UUID
    ad_id: Id
    revision: int = Field(ge=0)
    priority: float = Field(ge=0, description="Expected harm: the largest over policies of P(violates) x harm weight.")
    priority_policy: Slug | None = Field(default=None, description="The policy that gave the priority.")
    due_at: Timestamp
    suggested_outcome: Literal[Outcome.APPROVE, Outcome.REJECT]
    group_key: str = Field(max_length=64)
    reasons: tuple[Reason, ...]
    scores: dict[Slug, Probability]
    language: str | None = Field(default=None, max_length=35, description="As sent, else as guessed.")
    landing_page: LandingPage
    submission: Submission
    submission_cut: SubmissionCut | None = None
    degraded: tuple[str, ...] = ()
    strategy: StrategyRef | None = None
    bundle: BundleRef
    model: ModelRef | None = None
    origin: Origin
    created_at: Timestamp
