"""What a backtest found, as JSON holds it; the terminal and the page show the same.

No time of now, no path and no machine stands in it: the same ads, bundles, model and options give the same bytes.
"""

from typing import Literal

from pydantic import Field

from service.backtest.examples import Example
from service.backtest.figures import Change, Figures, Share
from service.contracts.decision import Outcome


class Side(Figures):
    """One of the two bundles."""

    version: str
    sha256: str


class Model(Figures):
    """The classifier that scored for both."""

    id: str
    sha256: str


class Ads(Figures):
    """What was decided."""

    read: int
    decided: int
    sha256: str = Field(description="Over the ads' bytes in their order.")
    earliest: str | None = Field(description="The first submitted_at.")
    latest: str | None = Field(description="The last.")
    hours: float | None = Field(description="Between them.")
    unreadable: dict[str, int] = Field(description="Ads that could not be read, by error class; they are not decided.")
    unreadable_told: tuple[str, ...] = Field(description="The first of them, with place, reason and remedy.")


class Measures(Figures):
    """What is measured on a set of ads under one bundle."""

    approved: Share
    reviewed: Share
    rejected: Share
    leaked_of_violating: Share
    leaked_of_approved: Share
    overkilled_of_clean: Share
    overkilled_of_rejected: Share


class Changes(Figures):
    """How the measures changed from the baseline to the candidate, on the same ads."""

    approved: Change
    reviewed: Change
    rejected: Change
    leaked_of_violating: Change
    overkilled_of_clean: Change


class Slice(Figures):
    """A set of ads: all, or those with one value of a dimension."""

    dimension: str
    value: str
    ads: int
    clean: int = Field(description="With a verdict that says so.")
    violating: int = Field(description="With a verdict that says so.")
    moved: int
    candidate: Measures
    baseline: Measures | None
    changes: Changes | None


class Move(Figures):
    """Ads that the two bundles decide differently."""

    before: Outcome
    after: Outcome
    ads: int


class PolicyMoves(Figures):
    """The moved ads that are about one policy: the one that the stricter of the two decisions is founded on."""

    policy: str | None
    ads: int
    moves: tuple[Move, ...]


class PolicyArm(Figures):
    """A policy under one bundle."""

    rejected: int = Field(description="Ads rejected for it first of all.")
    overkilled: int = Field(description="Those of them that are clean.")
    leaked: int = Field(description="Approved ads that violate it.")
    review_tasks: int = Field(description="Review tasks queued for it.")


class PolicyFigures(Figures):
    """A policy under both."""

    policy: str | None
    violating: int = Field(description="Ads that violate it, as verdicts say.")
    candidate: PolicyArm
    baseline: PolicyArm | None


class RuleArm(Figures):
    """A rule under one bundle."""

    hits: int = Field(description="Ads on which it fired or failed and stands among the (at most 20) reasons.")
    alone: int = Field(description="Ads whose outcome no other reason speaks for.")
    precision: Share = Field(description="Hit ads that violate the rule's policy, of those with a verdict.")


class RuleFigures(Figures):
    """A rule under both; None where the bundle has no such rule for the policy."""

    rule: str
    policy: str
    candidate: RuleArm | None
    baseline: RuleArm | None


class Queue(Figures):
    """What reviewers get under one bundle."""

    tasks: int
    per_1000_ads: float | None
    per_hour: float | None = Field(description="Over the ads' time span; None where it is shorter than a minute.")
    reviewer_hours: float
    reviewer_hours_per_1000_ads: float | None


class QueueFigures(Figures):
    """Under both, at an assumed working time a task."""

    minutes_a_task: float
    minutes_by_policy: dict[str, float]
    candidate: Queue
    baseline: Queue | None


class Failures(Figures):
    """Parts that failed, by code, in ads."""

    candidate: dict[str, int]
    baseline: dict[str, int] | None


class CheckedSlice(Figures):
    """A slice on which a rule of the gate was judged and broken."""

    dimension: str
    value: str
    text: str


class CheckedRule(Figures):
    """What came of one rule of the gate."""

    name: str
    passed: bool
    text: str
    looked_at: int = Field(description="Slices that it was judged on.")
    too_few: int = Field(description="Slices with fewer ads than the rule asks for.")
    broken: tuple[CheckedSlice, ...]


class GateResult(Figures):
    """What came of the gate."""

    passed: bool
    rules: tuple[CheckedRule, ...]


class Report(Figures):
    """A backtest's result."""

    schema_version: Literal[1] = 1
    sluice: str = Field(description="The release that decided.")
    candidate: Side
    baseline: Side | None
    model: Model
    as_of: str = Field(description="The time all ads were decided at, or 'submitted_at': each at its own.")
    ads: Ads
    verdicts: int = Field(description="Decided ads that a verdict was found for.")
    overall: Slice
    moves: tuple[Move, ...]
    moves_by_policy: tuple[PolicyMoves, ...]
    policies: tuple[PolicyFigures, ...]
    slices: tuple[Slice, ...]
    rules: tuple[RuleFigures, ...]
    queue: QueueFigures
    failures: Failures
    stricter: tuple[Example, ...] = Field(description="The most telling ads that the candidate decides more strictly.")
    looser: tuple[Example, ...] = Field(description="The most telling ads that it decides less strictly.")
    gate: GateResult | None = None
