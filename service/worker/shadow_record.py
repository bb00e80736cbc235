"""Writes a pair down for the shadow topic: what live and the candidate make of an ad, as `ShadowDecision` describes it.

Built as plain dictionaries, without validation: the parts were validated when they were made, and a model would cost
three times as much; so would enumerations. A test holds the records against the contract.
"""

from typing import Any, NamedTuple

from pydantic_core import to_json

from service.contracts.decision import MAX_REASONS, identify_decision
from service.moderate import ArmRuling, Pair
from service.worker.outputs import OutputRecord


class ShadowRecord(NamedTuple):
    """A record and the partition number that its submission came from."""

    partition: int
    record: OutputRecord


def build_shadow_record(pair: Pair, rollout: str | None) -> ShadowRecord:
    """Return the record of a pair; `rollout` is the one in force when the ad was decided."""
    submission, origin, _ = pair.received
    fields = {
        "schema_version": 1,
        "decision_id": identify_decision(origin, submission.ad_id, submission.revision),
        "ad_id": submission.ad_id,
        "revision": submission.revision,
        "origin": {"topic": origin.topic, "partition": origin.partition, "offset": origin.offset},
        "decided_at": pair.as_of,
        "vertical": submission.vertical,
        "market": submission.market,
        "product": submission.product,
        "arm": pair.arm,
        "rollout": rollout if pair.in_rollout else None,
        "live": _show(pair.live),
        "candidate": _show(pair.candidate),
    }
    return ShadowRecord(origin.partition, OutputRecord(submission.ad_id.encode(), to_json(fields)))


def _show(arm: ArmRuling) -> dict[str, Any]:
    bundle = arm.bundle.strategies.ref
    reasons = arm.ruling.reasons[:MAX_REASONS] if arm.ruling is not None else ()
    return {
        "bundle": bundle.sha256,
        "version": bundle.version,
        "strategy": arm.strategy,
        "outcome": arm.ruling.outcome.value if arm.ruling is not None else None,
        "reasons": [
            {
                "policy": reason.policy,
                "source": reason.source.value,
                "id": reason.id,
                "outcome": reason.outcome.value,
                "score": reason.score,
            }
            for reason in reasons
        ],
        "failure": arm.failure[:500],
    }
