"""Topic `ads.review.tasks`: an uncertain ad with everything a reviewer needs, without another look-up."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from service.contracts.decision import BundleRef, ModelRef, Origin, Outcome, Reason, StrategyRef
from service.contracts.model import Contract, Id, Probability, Sha256, Slug, Timestamp
from service.contracts.submission import Submission


class LandingPage(Contract):
    """Where a click would lead, as a browser reads the landing URL."""

    valid: bool = Field(description="Whether a browser would open it.")
    host: str = Field(default="", max_length=255, description="The host, in lower case and punycode.")
    registrable_domain: str = Field(default="", max_length=255, description="The domain that somebody registered.")
    differs_from_display: bool = Field(default=False, description="Whether the display URL names another domain.")


class SubmissionCut(Contract):
    """Says that the texts of `submission` were shortened to fit the topic; the whole lies at the task's `origin`."""

    value_sha256: Sha256 = Field(description="Of the submission record's whole value.")
    value_bytes: int = Field(ge=0, description="Length of that value.")


class ReviewTask(Contract):
    """One uncertain ad. Review the highest `priority` first; tasks with one `group_key` are near-duplicates."""

    schema_version: Literal[1] = Field(default=1, description="Version of this format.")
    task_id: UUID = Field(description="Equals the id of the decision that asked for the review.")
    decision_id: UUID = Field(description="The decision that asked for the review.")
    ad_id: Id = Field(description="The platform's id of the ad; also the record's key.")
    revision: int = Field(ge=0, description="Which revision of the ad is to be reviewed.")
    priority: float = Field(ge=0, description="Expected harm: the largest over policies of P(violates) x harm weight.")
    priority_policy: Slug | None = Field(default=None, description="The policy that gave the priority.")
    due_at: Timestamp = Field(description="Until when it should be reviewed.")
    suggested_outcome: Literal[Outcome.APPROVE, Outcome.REJECT] = Field(description="What the scores lean to.")
    group_key: str = Field(max_length=64, description="The same for near-duplicate creatives.")
    reasons: tuple[Reason, ...] = Field(description="As in the decision: the weightiest first.")
    scores: dict[Slug, Probability] = Field(description="P(violates) by policy, calibrated.")
    language: str | None = Field(default=None, max_length=35, description="As sent, else as guessed.")
    landing_page: LandingPage = Field(description="Where a click would lead.")
    submission: Submission = Field(description="The ad, as it was sent.")
    submission_cut: SubmissionCut | None = Field(default=None, description="Set if texts of the ad were shortened.")
    degraded: tuple[str, ...] = Field(default=(), description="Parts that failed or were left out.")
    strategy: StrategyRef | None = Field(default=None, description="The strategy that applied; None if none could.")
    bundle: BundleRef = Field(description="The bundle that was live.")
    model: ModelRef | None = Field(default=None, description="The classifier that scored; None if none did.")
    origin: Origin = Field(description="Where the submission lies.")
    created_at: Timestamp = Field(description="When the decision was made.")
