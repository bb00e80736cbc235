"""What is to be known about how one ad was decided; `tracing` works it out, `sluice strategy explain` shows it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from service.contracts.decision import Decision, Evidence, Outcome
from service.contracts.review_task import ReviewTask

RuleState = Literal["fired", "did not fire", "failed", "switched off"]


class Part(BaseModel):
    """A part of a trace. Places are `file:line:column` inside the bundle."""

    model_config = ConfigDict(frozen=True)


class TracedStrategy(Part):
    """A strategy of the bundle, and why it applies to the ad or does not."""

    id: str
    place: str
    scope: str
    applies: bool
    why: str


class TracedText(Part):
    """A text of the ad in its readings; None where a reading is the one before."""

    field: str
    original: str
    base: str
    latin: str | None
    squeezed: str | None


class TracedCondition(Part):
    """A condition and its value on the ad; None with the failure's text where it has none."""

    text: str
    place: str
    value: bool | None
    failure: str = ""


class TracedRule(Part):
    """A rule that applies in this scope, and what it made of the ad. `matched` is None without a `match`."""

    id: str
    place: str
    policy: str | None
    action: str
    state: RuleState
    conditions: tuple[TracedCondition, ...] = ()
    looks_for: tuple[str, ...] = ()
    matched: tuple[Evidence, ...] | None = None
    outcome: Outcome | None = None
    detail: str = ""


class TracedLimit(Part):
    """A threshold and where it is written."""

    value: float
    place: str


class TracedScore(Part):
    """A score against its thresholds. `how` tells what moved or cleared it."""

    policy: str
    score: float
    judged: float
    approve_below: TracedLimit
    reject_above: TracedLimit
    outcome: Outcome
    how: str = ""


class Trace(Part):
    """Everything about one ad's decision, in the order in which it came about."""

    as_of: datetime
    bundle: str
    version: str
    strategies: tuple[TracedStrategy, ...]
    texts: tuple[TracedText, ...]
    model_text: str
    text_hash: str
    language: str
    landing: dict[str, str | bool | int]
    hits: tuple[str, ...]
    rules: tuple[TracedRule, ...]
    scores: tuple[TracedScore, ...]
    decision: Decision
    review_task: ReviewTask | None
