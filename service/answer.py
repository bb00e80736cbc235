"""Writes a ruling down: the decision for the platform and, for an uncertain ad, the task for a reviewer."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from service.classifier import Classifier
from service.contracts.decision import (
    Decision,
    ModelRef,
    Origin,
    Outcome,
    StatementOfReasons,
    identify_decision,
)
from service.contracts.review_task import LandingPage, ReviewTask
from service.contracts.submission import Submission
from service.rules import AdView
from service.strategy import Bundle, CompiledStrategy, Ruling


class Received(NamedTuple):
    """A submission with its coordinates and its record's timestamp."""

    submission: Submission
    origin: Origin
    received_at: datetime


class LiveBundle(NamedTuple):
    """What ads are moderated by: a bundle of strategies and lists, and the classifier that it was checked with."""

    strategies: Bundle
    classifier: Classifier

    @property
    def model_ref(self) -> ModelRef:
        """The classifier, as decisions name it."""
        return _refer_to_model(self.classifier.model_id, self.classifier.model_hash)


@lru_cache(maxsize=8)
def _refer_to_model(model_id: str, sha256: str) -> ModelRef:
    # Every decision and task asks for it, and it changes with a deployment only.
    return ModelRef(id=model_id, sha256=sha256)


class Judged(NamedTuple):
    """A ruling on an ad, with all that led to it and has to be told."""

    received: Received
    strategy: CompiledStrategy | None
    scores: dict[str, float] | None
    ruling: Ruling
    failures: tuple[str, ...] = ()
    failed_rules: tuple[str, ...] = ()

    @property
    def degraded(self) -> tuple[str, ...]:
        """The parts that failed or were left out."""
        return (*self.failures, *(f"rule_failed:{rule}" for rule in self.failed_rules))


def write_decision(judged: Judged, bundle: LiveBundle, as_of: datetime) -> Decision:
    """Return the automatic decision; a function of its arguments alone."""
    submission, origin, received_at = judged.received
    ruling = judged.ruling
    return Decision(
        decision_id=identify_decision(origin, submission.ad_id, submission.revision),
        ad_id=submission.ad_id,
        revision=submission.revision,
        outcome=ruling.outcome,
        reasons=ruling.reasons,
        messages=ruling.messages,
        scores=judged.scores or {},
        statement=write_statement(submission, ruling, bundle.strategies),
        degraded=judged.degraded,
        strategy=judged.strategy.ref if judged.strategy else None,
        bundle=bundle.strategies.ref,
        model=bundle.model_ref,
        origin=origin,
        submitted_at=submission.submitted_at,
        received_at=received_at,
        decided_at=as_of,
    )


def write_statement(submission: Submission, ruling: Ruling, bundle: Bundle) -> StatementOfReasons | None:
    """Return what the advertiser is owed (DSA, article 17); None for an approval, which restricts nothing."""
    if ruling.outcome is Outcome.APPROVE:
        return None
    rejected = ruling.outcome is Outcome.REJECT
    titles = [bundle.policies[message.policy].title for message in ruling.messages]
    ground = bundle.policies[ruling.messages[0].policy].ground if rejected and ruling.messages else None
    return StatementOfReasons(
        restriction="not_published" if rejected else "held_for_review",
        territory=(submission.market,),
        facts=_tell_facts(titles, rejected=rejected)[:1_000],
        own_initiative=True,
        automated_detection=True,
        automated_decision=True,
        ground=ground.kind if ground else "none",
        ground_reference=ground.reference if ground else "",
        how_to_appeal=bundle.how_to_appeal,
    )


def _tell_facts(titles: list[str], *, rejected: bool) -> str:
    named = ", ".join(titles) or "no single policy"
    if rejected:
        return f"Automated checks of the ad's texts, fields and links found content against: {named}."
    return f"Automated checks could not settle whether the ad is in order ({named}); a person will look at it."


def write_review_task(judged: Judged, ad: AdView, decision: Decision, bundle: LiveBundle) -> ReviewTask | None:
    """Return the task for a reviewer; None unless the decision is a review."""
    ruling = judged.ruling
    if ruling.outcome is not Outcome.REVIEW:
        return None
    return ReviewTask(
        task_id=decision.decision_id,
        decision_id=decision.decision_id,
        ad_id=decision.ad_id,
        revision=decision.revision,
        priority=ruling.priority,
        priority_policy=ruling.priority_policy,
        due_at=decision.decided_at + timedelta(minutes=ruling.review_sla_minutes),
        suggested_outcome=Outcome.REJECT if ruling.suggested_outcome is Outcome.REJECT else Outcome.APPROVE,
        group_key=ad.group_key,
        reasons=ruling.reasons,
        scores=judged.scores or {},
        language=ad.language or None,
        landing_page=LandingPage(
            valid=ad.landing.valid,
            host=ad.landing.host[:255],
            registrable_domain=ad.landing.registrable_domain[:255],
            differs_from_display=ad.differs_from_display,
        ),
        submission=judged.received.submission,
        degraded=judged.degraded,
        strategy=judged.strategy.ref if judged.strategy else None,
        bundle=bundle.strategies.ref,
        model=bundle.model_ref,
        origin=decision.origin,
        created_at=decision.decided_at,
    )
