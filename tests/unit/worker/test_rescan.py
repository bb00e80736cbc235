from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from service.contracts.decision import BundleRef, Decision, Origin, Outcome, Reason, Source
from service.strategy.schema import Ground, Policy
from service.worker.rescan_findings import Finding, Findings, is_worse, measure_harm
from service.worker.rescan_past import PastDecisions
from tests.consumed import Consumed

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def decide(number: int, outcome: Outcome = Outcome.APPROVE, sequence: int = 0, revision: int = 1) -> Decision:
    return Decision(
        decision_id=UUID(int=number),
        ad_id="ad-1",
        revision=revision,
        sequence=sequence,
        outcome=outcome,
        bundle=BundleRef(version="0", sha256="0" * 64),
        origin=Origin(topic="submissions", partition=1, offset=number),
        submitted_at=NOW,
        received_at=NOW,
        decided_at=NOW,
    )


def record(decision: Decision, partition: int = 0) -> Consumed:
    return Consumed("decisions", partition, 0, 0, decision.ad_id.encode(), decision.model_dump_json().encode())


@pytest.mark.parametrize(
    ("decisions", "applies"),
    [
        ([decide(1)], 1),
        ([decide(1), decide(2, sequence=1)], 2),
        ([decide(1, sequence=1), decide(2)], 1),
        ([decide(1, sequence=3), decide(2, revision=2)], 2),
        ([decide(1), decide(1, Outcome.REJECT)], 1),
    ],
)
def test_the_decision_that_applies_is_the_one_that_every_reader_applies(
    decisions: Sequence[Decision], applies: int
) -> None:
    """Highest revision, then highest sequence, then the first record."""
    past = PastDecisions({b"ad-1"})
    for one in decisions:
        past.take(record(one, partition=3))
    found = past.find("ad-1")
    assert found is not None
    assert (found.decision_id, found.outcome, found.partition) == (UUID(int=applies), Outcome.APPROVE, 3)


def test_other_ads_and_unreadable_records_are_passed_over() -> None:
    """A tombstone and noise too: they must not stop a rescan."""
    past = PastDecisions({b"ad-2"})
    past.take(record(decide(1)))
    past.take(Consumed("decisions", 0, 1, 0, b"ad-2", b"{"))
    past.take(Consumed("decisions", 0, 2, 0, b"ad-2", None))
    past.take(Consumed("decisions", 0, 3, 0, None, b"{}"))
    assert past.find("ad-1") is None
    assert past.find("ad-2") is None


def reason(source: Source, outcome: Outcome, policy: str | None = "gambling", score: float | None = None) -> Reason:
    return Reason(policy=policy, source=source, id="x", outcome=outcome, score=score)


@pytest.mark.parametrize(
    ("outcome", "reasons", "worse"),
    [
        (Outcome.APPROVE, [], False),
        (Outcome.REJECT, [reason(Source.RULE, Outcome.REJECT)], True),
        (Outcome.REVIEW, [reason(Source.MODEL, Outcome.REVIEW)], True),
        (Outcome.REVIEW, [reason(Source.FAILURE, Outcome.REVIEW)], False),
        (Outcome.REVIEW, [reason(Source.FAILURE, Outcome.REVIEW), reason(Source.RULE, Outcome.APPROVE)], False),
        (Outcome.REVIEW, [reason(Source.FAILURE, Outcome.REVIEW), reason(Source.RULE, Outcome.REVIEW)], True),
    ],
)
def test_a_part_that_fails_takes_no_approved_ad_down(outcome: Outcome, reasons: list[Reason], worse: bool) -> None:  # noqa: FBT001
    """A broken model on the operator's machine must not send every live ad to review."""
    decision = decide(1, outcome).model_copy(update={"reasons": tuple(reasons)})
    assert is_worse(decision) is worse


def policy(weight: float) -> Policy:
    ground = Ground(kind="terms", reference="Terms")
    return Policy(title="x", ground=ground, message="x", harm_weight=weight, review_sla_minutes=1)


def test_harm_is_the_weightiest_reason() -> None:
    """A score counts as it is, a rule by how sure its action is; what speaks for approval does not count."""
    policies = {"gambling": policy(3.0), "spam": policy(1.0)}
    model = reason(Source.MODEL, Outcome.REVIEW, "gambling", 0.5)
    rule = reason(Source.RULE, Outcome.REJECT, "spam")
    assert measure_harm([model, rule], policies) == 1.5
    assert measure_harm([rule, reason(Source.RULE, Outcome.APPROVE, "gambling")], policies) == pytest.approx(0.9)
    assert measure_harm([reason(Source.RULE, Outcome.REJECT, "gone")], policies) == pytest.approx(0.9)
    assert measure_harm([], policies) == 0.0


def test_the_most_harmful_are_taken_first() -> None:
    """Rejections before reviews, then by harm, then as they came; what went in comes out."""
    findings = Findings()
    told = [("a", 1, 9.0), ("b", 2, 1.0), ("c", 2, 3.0), ("d", 2, 1.0), ("e", 1, 9.5)]
    made = {
        name: Finding(name, number, uuid5(UUID(int=0), name), f'"ä{name}"'.encode(), b"task" if number % 2 else None)
        for number, (name, _, _) in enumerate(told)
    }
    for name, severity, harm in told:
        findings.add(made[name], severity, harm)
    assert len(findings) == 5
    assert list(findings.take_all()) == [made[name] for name in "cbdea"]
    findings.close()
