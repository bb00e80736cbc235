"""Topic `ads.decisions.shadow`: the same ad decided by live and by the candidate, for every ad that both have seen.

Written outside the live transaction, at most once, by an idempotent producer: it is for comparing, never for acting.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field

from service.contracts.decision import Origin, Outcome, Source
from service.contracts.model import Contract, Id, Probability, Sha256, Slug, Timestamp

Arm = Literal["live", "candidate"]


class ShadowReason(Contract):
    """A reason without its evidence: what a comparison needs."""

    policy: Slug | None = Field(default=None, description="The policy, if it concerns one.")
    source: Source = Field(description="Which kind of part gave it.")
    id: str = Field(max_length=128, description="Rule id, model stage or failure code.")
    outcome: Outcome = Field(description="What it alone would have led to.")
    score: Probability | None = Field(default=None, description="P(violates), where a model gave it.")


class ArmResult(Contract):
    """What one bundle makes of the ad."""

    bundle: Sha256 = Field(description="The bundle.")
    version: str = Field(max_length=64, description="Its version.")
    strategy: Slug | None = Field(default=None, description="The strategy that applied.")
    outcome: Outcome | None = Field(description="Its outcome; None: it failed on the ad.")
    reasons: tuple[ShadowReason, ...] = Field(default=(), max_length=20, description="The weightiest first.")
    failure: str = Field(default="", max_length=500, description="Why it failed; '' if it did not.")


class ShadowDecision(Contract):
    """One ad, two bundles."""

    schema_version: Literal[1] = Field(default=1, description="Version of this format.")
    decision_id: UUID = Field(description="The decision that counts, on ads.decisions.")
    ad_id: Id = Field(description="The ad; also the record's key.")
    revision: int = Field(ge=0, description="Its revision.")
    origin: Origin = Field(description="Where the submission lies.")
    decided_at: Timestamp = Field(description="As on the decision; both arms decide as of this time.")
    vertical: Slug = Field(description="The ad's vertical.")
    market: str = Field(max_length=2, description="The ad's market.")
    product: Slug = Field(description="The ad's product.")
    arm: Arm = Field(description="The arm that decided the ad.")
    rollout: Slug | None = Field(default=None, description="The rollout in force, if any.")
    live: ArmResult = Field(description="What live makes of it.")
    candidate: ArmResult = Field(description="What the candidate makes of it.")
