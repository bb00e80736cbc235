"""One realistic record of the topics that strategies travel on; built from the models, so always valid."""

import hashlib
from datetime import timedelta

from service.contracts.control import Halt
from service.contracts.decision import Outcome, Source
from service.contracts.examples import DECISION, SUBMISSION
from service.contracts.ledger import NO_ENTRY, Envelope, Publish, SetRollout, Signature
from service.contracts.shadow_decision import ArmResult, ShadowDecision, ShadowReason
from service.contracts.worker_status import Refusal, WorkerStatus

_AT = DECISION.decided_at - timedelta(hours=2)
_LIVE = DECISION.bundle.sha256
_CANDIDATE = "c4" * 32

PUBLISH = Publish(
    sequence=1,
    previous=NO_ENTRY,
    at=_AT,
    author="ines@policy",
    reason="First bundle of the casino season",
    channel="live",
    bundle=_LIVE,
    version="2026.11.1",
    chunks=1,
    packed_bytes=48_211,
)
ENVELOPE = Envelope(
    entry=PUBLISH.model_dump_json(),
    signatures=(Signature(key="ines", signature="3q2+7w" + "A" * 80 + "=="),),
)
SET_ROLLOUT = SetRollout(
    sequence=3,
    previous=hashlib.sha256(b"the second entry").hexdigest(),
    at=_AT + timedelta(hours=1),
    author="ines@policy",
    reason="Try the new terms on one advertiser in a hundred",
    rollout="casino-terms-2",
    bundle=_CANDIDATE,
    percent=1,
)
HALT = Halt(
    rollout=SET_ROLLOUT.rollout,
    sequence=SET_ROLLOUT.sequence,
    cause="reject_share",
    message="the candidate rejects 31 of 100 ads, live 4 of 100; mend it and publish it anew",
    worker="sluice-5d9f-x2",
    at=DECISION.decided_at,
)
WORKER_STATUS = WorkerStatus(
    worker="sluice-5d9f-x2:1",
    group="sluice",
    build="0.2.0/bundle-3f3f3f3f3f3f/model-a7a7a7a7a7a7",
    at=DECISION.decided_at,
    state="running",
    sequence=4,
    source="topic",
    live=_LIVE,
    live_version="2026.11.1",
    candidate=_CANDIDATE,
    rollout=SET_ROLLOUT.rollout,
    percent=SET_ROLLOUT.percent,
    blocks=1,
    refusals=(
        Refusal(
            sequence=2,
            bundle="e9" * 32,
            why="strategies/gb.yaml:12:5: the term list 'terms/casino' does not exist; did you mean 'terms/casinos'?",
            at=_AT + timedelta(minutes=5),
        ),
    ),
)
SHADOW_DECISION = ShadowDecision(
    decision_id=DECISION.decision_id,
    ad_id=DECISION.ad_id,
    revision=DECISION.revision,
    origin=DECISION.origin,
    decided_at=DECISION.decided_at,
    vertical=SUBMISSION.vertical,
    market=SUBMISSION.market,
    product=SUBMISSION.product,
    arm="live",
    rollout=SET_ROLLOUT.rollout,
    live=ArmResult(
        bundle=_LIVE,
        version="2026.11.1",
        strategy="default",
        outcome=Outcome.REVIEW,
        reasons=(ShadowReason(policy="gambling", source=Source.RULE, id="gambling.terms", outcome=Outcome.REVIEW),),
    ),
    candidate=ArmResult(
        bundle=_CANDIDATE,
        version="2026.11.2",
        strategy="default",
        outcome=Outcome.REJECT,
        reasons=(ShadowReason(policy="gambling", source=Source.RULE, id="gambling-offer", outcome=Outcome.REJECT),),
    ),
)
