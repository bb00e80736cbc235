"""One realistic record of every topic, for the published AsyncAPI document; built from the models, so always valid."""

from datetime import UTC, datetime, timedelta

from service.contracts.control import Replay, Resume, Trip
from service.contracts.dead_letter import CausedBy, Unreadable
from service.contracts.decision import (
    AdvertiserMessage,
    BundleRef,
    Decision,
    Evidence,
    ModelRef,
    Origin,
    Outcome,
    Reason,
    Source,
    StatementOfReasons,
    StrategyRef,
    View,
    identify_decision,
)
from service.contracts.review_task import LandingPage, ReviewTask
from service.contracts.submission import Advertiser, Creative, Submission, TrustTier

_SUBMITTED_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_DECIDED_AT = _SUBMITTED_AT + timedelta(milliseconds=41)
_BUNDLE = BundleRef(version="2026.11.1", sha256="3f" * 32)
_MODEL = ModelRef(id="stage_a-1", sha256="a7" * 32)
_STRATEGY = StrategyRef(id="default", version="1")
_ORIGIN = Origin(topic="ads.submissions", partition=3, offset=1_204)
_SCORES = {"gambling": 0.71, "scam_fraud": 0.12}

SUBMISSION = Submission(
    schema_version=1,
    ad_id="ad-7f3a",
    revision=2,
    submitted_at=_SUBMITTED_AT,
    advertiser=Advertiser(
        id="adv-19", country="MT", created_at=datetime(2026, 10, 2, tzinfo=UTC), trust_tier=TrustTier.NEW
    ),
    vertical="entertainment",
    market="DE",
    product="feed",
    language="de",
    creative=Creative(
        headline="Freispiele im C a s i n o",
        body="Jetzt anmelden und 50 Freispiele sichern.",
        call_to_action="Jetzt spielen",
        display_url="spielspass.example",
        landing_url="https://spielspass.example/bonus",
    ),
    attributes={"budget_eur": 120.5, "retargeting": False},
)

_REASONS = (
    Reason(
        policy="gambling",
        source=Source.RULE,
        id="gambling.terms",
        outcome=Outcome.REVIEW,
        detail="a term of the list terms/gambling, spelt apart",
        evidence=(
            Evidence(
                field="creative.headline",
                start=14,
                end=25,
                excerpt="C a s i n o",
                view=View.SQUEEZED,
                matched="terms/gambling: casino",
            ),
        ),
    ),
    Reason(policy="gambling", source=Source.MODEL, id="stage_a", outcome=Outcome.REVIEW, score=0.71, threshold=0.35),
)

DECISION = Decision(
    decision_id=identify_decision(_ORIGIN, SUBMISSION.ad_id, SUBMISSION.revision),
    ad_id=SUBMISSION.ad_id,
    revision=SUBMISSION.revision,
    outcome=Outcome.REVIEW,
    reasons=_REASONS,
    messages=(AdvertiserMessage(policy="gambling", text="Ads for games of chance need a licence for each market."),),
    scores=_SCORES,
    statement=StatementOfReasons(
        restriction="held_for_review",
        territory=("DE",),
        facts="The ad seems to promote games of chance.",
        own_initiative=True,
        automated_detection=True,
        automated_decision=False,
        ground="none",
        ground_reference="Advertising policy, section 4: games of chance",
        how_to_appeal="Reply to this notice within six months; a person will look at it.",
    ),
    strategy=_STRATEGY,
    bundle=_BUNDLE,
    model=_MODEL,
    origin=_ORIGIN,
    submitted_at=_SUBMITTED_AT,
    received_at=_SUBMITTED_AT + timedelta(milliseconds=12),
    decided_at=_DECIDED_AT,
    processing_ms=6.4,
)

REVIEW_TASK = ReviewTask(
    task_id=DECISION.decision_id,
    decision_id=DECISION.decision_id,
    ad_id=SUBMISSION.ad_id,
    revision=SUBMISSION.revision,
    priority=1.42,
    priority_policy="gambling",
    due_at=_DECIDED_AT + timedelta(hours=4),
    suggested_outcome=Outcome.REJECT,
    group_key="9c41d2e07b55aa10",
    reasons=_REASONS,
    scores=_SCORES,
    language="de",
    landing_page=LandingPage(valid=True, host="spielspass.example", registrable_domain="spielspass.example"),
    submission=SUBMISSION,
    strategy=_STRATEGY,
    bundle=_BUNDLE,
    model=_MODEL,
    origin=_ORIGIN,
    created_at=_DECIDED_AT,
)

TRIP = Trip(
    build="0.1.0+2026.11.1+stage_a-1",
    cause="moderation_failed",
    message="30 of 100 ads failed in moderation; mend the cause, then run `sluice resume` or deploy a new build",
    worker="sluice-5d9f-x2",
    at=_DECIDED_AT,
)
RESUME = Resume(by="on-call", at=_DECIDED_AT + timedelta(minutes=20))
REPLAY = Replay(by="on-call", at=_DECIDED_AT + timedelta(minutes=30), mended=True)

DEAD_LETTER_HEADERS = {
    "sluice.errors.topic": "ads.submissions",
    "sluice.errors.partition": "3",
    "sluice.errors.offset": "1205",
    "sluice.errors.timestamp": "1795339800012",
    "sluice.errors.caused.by": CausedBy.SENDER.value,
    "sluice.errors.exception.class.name": Unreadable.INVALID_FIELD.value,
    "sluice.errors.exception.message": "revision: must be an integer",
    "sluice.errors.place": "revision",
    "sluice.errors.build": TRIP.build,
}
