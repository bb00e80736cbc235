"""Topic `ads.decisions`: what was decided about one revision of an ad, and why.

A reader keeps the first record of a `decision_id`, and applies to an ad the decision with the highest
`revision`, then the highest `sequence`: the first decision has sequence 0, one that supersedes it, by a person or by
`sluice rescan`, a higher one.
"""

from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from pydantic import Field

from service.contracts.model import Contract, Country, Id, Probability, Sha256, Slug, Timestamp

MAX_REASONS = 20
MAX_EVIDENCE = 10
MAX_EXCERPT_CHARS = 200

_NAMESPACE = UUID("5c1f0a52-6d5e-5b7c-9f55-0a1d5a4c3e21")


class Outcome(StrEnum):
    """What the platform does with the ad."""

    APPROVE = "approve"
    REVIEW = "review"
    REJECT = "reject"


class Source(StrEnum):
    """Which kind of part gave a reason."""

    RULE = "rule"
    MODEL = "model"
    FAILURE = "failure"


class View(StrEnum):
    """In which reading of the text the evidence was found; all but `base` mean that the text was disguised."""

    BASE = "base"
    LATIN = "latin"
    SQUEEZED = "squeezed"


class Evidence(Contract):
    """A span of the ad as it was sent: code points [start, end) of `field`; `excerpt` is that text, cut at 200."""

    field: str = Field(max_length=64, description="Path of the field, such as 'creative.body'.")
    start: int = Field(ge=0, description="First code point of the span.")
    end: int = Field(ge=0, description="Code point after the span.")
    excerpt: str = Field(max_length=MAX_EXCERPT_CHARS, description="The span's text, as it was sent.")
    view: View = Field(default=View.BASE, description="In which reading of the text it was found.")
    matched: str = Field(
        default="", max_length=256, description="The list entry that hit, such as 'terms/gambling: casino'."
    )


class Reason(Contract):
    """One thing that speaks for `outcome`. Reasons are sorted with the weightiest first."""

    policy: Slug | None = Field(default=None, description="None for a failure that concerns no single policy.")
    source: Source = Field(description="Which kind of part gave the reason.")
    id: str = Field(max_length=128, description="Rule id, model stage, or failure code such as 'moderation_failed'.")
    outcome: Outcome = Field(description="What this reason alone would have led to.")
    score: Probability | None = Field(default=None, description="P(violates the policy), where a model gave it.")
    threshold: Probability | None = Field(default=None, description="The limit that the score was compared with.")
    detail: str = Field(default="", max_length=500, description="For staff; never shown to an advertiser.")
    evidence: tuple[Evidence, ...] = Field(
        default=(), max_length=MAX_EVIDENCE, description="Where in the ad it was found."
    )


class AdvertiserMessage(Contract):
    """What may be shown to the advertiser about one policy; holds no threshold, term or score."""

    policy: Slug = Field(description="The policy that the ad may violate.")
    text: str = Field(max_length=1_000, description="In words for the advertiser.")


class StatementOfReasons(Contract):
    """What a platform needs for a statement of reasons: Regulation (EU) 2022/2065 (DSA), article 17(3)."""

    restriction: Literal["not_published", "held_for_review"] = Field(description="17(3)(a): what is done to the ad")
    territory: tuple[Country, ...] = Field(description="17(3)(a): the markets in which it applies")
    facts: str = Field(max_length=1_000, description="17(3)(b): what was found, in words")
    own_initiative: bool = Field(description="17(3)(b): found by the platform itself, not by a notice")
    automated_detection: bool = Field(description="17(3)(c): whether the ad was found by automated means")
    automated_decision: bool = Field(description="17(3)(c): whether it was decided by automated means")
    ground: Literal["terms", "law", "none"] = Field(description="17(3)(d), (e); 'none' while nothing is established")
    ground_reference: str = Field(max_length=500, description="17(3)(d), (e): the clause or the law")
    how_to_appeal: str = Field(max_length=1_000, description="17(3)(f): redress")


class Origin(Contract):
    """Where the submission lies: the coordinates of its record."""

    topic: str = Field(max_length=249, description="The submissions topic.")
    partition: int = Field(ge=0, description="Its partition.")
    offset: int = Field(ge=0, description="The record's offset in it.")


class StrategyRef(Contract):
    """The strategy that applied."""

    id: Slug = Field(description="Name of the strategy.")
    version: str = Field(max_length=64, description="The strategy's own version.")


class BundleRef(Contract):
    """The bundle (all strategies and lists) that decided; its hash is over the bundle's files."""

    version: str = Field(max_length=64, description="The bundle's own version.")
    sha256: Sha256 = Field(description="Over the bundle's files.")


class ModelRef(Contract):
    """The classifier that scored."""

    id: str = Field(max_length=64, description="Name and version of the model.")
    sha256: Sha256 = Field(description="Of the model's file.")


class Decision(Contract):
    """One decision about one revision of an ad."""

    schema_version: Literal[1] = Field(default=1, description="Version of this format.")
    decision_id: UUID = Field(description="A function of the submission's coordinates, ad and revision.")
    ad_id: Id = Field(description="The platform's id of the ad; also the record's key.")
    revision: int = Field(ge=0, description="Which revision of the ad was decided.")
    sequence: int = Field(default=0, ge=0, description="0 for the first decision; higher for one that supersedes it.")
    supersedes: UUID | None = Field(default=None, description="The decision_id that this one replaces.")
    outcome: Outcome = Field(description="What the platform does with the ad.")
    reasons: tuple[Reason, ...] = Field(
        default=(), max_length=MAX_REASONS, description="The weightiest first; empty for a clean approval."
    )
    messages: tuple[AdvertiserMessage, ...] = Field(
        default=(), description="What may be shown to the advertiser, one a policy."
    )
    scores: dict[Slug, Probability] = Field(
        default_factory=dict, description="P(violates) by policy, calibrated; empty when no model scored."
    )
    statement: StatementOfReasons | None = Field(
        default=None, description="For the statement to the advertiser; None for an approval."
    )
    degraded: tuple[str, ...] = Field(
        default=(), description="Parts that failed or were left out; empty when all worked."
    )
    strategy: StrategyRef | None = Field(default=None, description="The strategy that applied; None if none could.")
    bundle: BundleRef = Field(description="The bundle that decided.")
    arm: Literal["live", "candidate"] = Field(
        default="live", description="Whether the live bundle decided, or in a rollout the candidate."
    )
    rollout: Slug | None = Field(default=None, description="The rollout that the ad was part of; None outside of any.")
    model: ModelRef | None = Field(default=None, description="The classifier that scored; None if none did.")
    origin: Origin = Field(description="Where the submission lies.")
    submitted_at: Timestamp = Field(description="As the submission says.")
    received_at: Timestamp = Field(description="The submission record's own timestamp.")
    decided_at: Timestamp = Field(description="When it was decided, by the worker's clock.")
    processing_ms: float = Field(
        default=0.0, ge=0, description="From the start on the ad's chunk to this decision's bytes."
    )


def identify_decision(origin: Origin, ad_id: str, revision: int) -> UUID:
    """Return the id of the automatic decision: the same for every delivery of one record, whatever bundle is live."""
    return uuid5(_NAMESPACE, f"{origin.topic}\x1f{origin.partition}\x1f{origin.offset}\x1f{ad_id}\x1f{revision}")
