"""Recorded decisions come out the same, and what does not is said."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from service.answer import LiveBundle, Received
from service.backtest.ads import AdRecord
from service.backtest.reproduction import SCORE_TOLERANCE, Archive, Reproduction, reproduce
from service.contracts.decision import Decision, Origin, Outcome
from service.contracts.ledger import NO_ENTRY, Block
from service.contracts.submission import Submission
from service.deployment import Deployment
from service.moderate import moderate, moderate_deployed
from service.release.blocks import Blocks
from tests.moderating import LABELS, make_classifier
from tests.unit.backtest.conftest import SCORES, STRICT_STRATEGY, make_bundle, mix, record

DECIDED_AT = datetime(2026, 2, 1, 12, 0, 0, 123456, tzinfo=UTC)
BUNDLE = make_bundle()
ADS = [one._replace(topic="ads", partition=one.offset % 2) for one in mix(60) if one.value != b"{oops"]


def _receive(ad: AdRecord) -> Received:
    submission = Submission.model_validate_json(ad.value or b"")
    return Received(
        submission, Origin(topic=ad.topic, partition=ad.partition, offset=ad.offset), submission.submitted_at
    )


def _decide(ads: Sequence[AdRecord], bundle: LiveBundle = BUNDLE, blocks: Blocks | None = None) -> list[Decision]:
    chunk = [_receive(ad) for ad in ads]
    deployment = Deployment(bundle, blocks=blocks or Blocks())
    return [one.decision for one in moderate_deployed(chunk, deployment, DECIDED_AT).moderated]


def _reproduce(
    decisions: Iterable[Decision | bytes], *bundles: LiveBundle, ads: Sequence[AdRecord] = ADS, batch: int = 7
) -> Reproduction:
    values = [one if isinstance(one, bytes) else one.model_dump_json().encode() for one in decisions]
    known = {bundle.strategies.sha256: bundle for bundle in bundles or (BUNDLE,)}

    def find_ads(topic: str, partition: int, offsets: Sequence[int]) -> list[AdRecord]:
        assert list(offsets) == sorted(set(offsets))
        wanted = range(offsets[0], offsets[-1] + 1)
        return [ad for ad in ads if (ad.topic, ad.partition) == (topic, partition) and ad.offset in wanted]

    batches = [values[start : start + batch] for start in range(0, len(values), batch)]
    return reproduce(batches, Archive(known.get, find_ads), lambda _: None)


def test_decisions_of_several_bundles_and_times_come_out_the_same() -> None:
    """Each by the bundle and at the time that it names, in any order."""
    strict = make_bundle(STRICT_STRATEGY)
    later = [one.model_copy(update={"decided_at": DECIDED_AT + timedelta(days=9)}) for one in _decide(ADS[20:30])]
    decisions = [*_decide(ADS[:20]), *later, *_decide(ADS[30:], strict)]
    found = _reproduce([*decisions[::2], *decisions[1::2]], BUNDLE, strict)
    assert found.succeeded
    assert found.answers["reproduced"] == len(ADS)
    assert found.largest_score_difference == 0.0
    assert len({one.outcome for one in decisions}) == 3


def test_a_difference_is_shown_with_what_differs() -> None:
    """Another outcome, other reasons, other scores; the place names the submission."""
    decisions = _decide(ADS)
    changed = next(one for one in decisions if one.outcome == "review" and one.scores)
    reason = changed.reasons[0].model_copy(update={"id": "another-rule"})
    forged = changed.model_copy(
        update={"outcome": Outcome.REJECT, "reasons": (reason,), "scores": {**changed.scores, "gambling": 0.1}}
    )
    found = _reproduce([forged if one is changed else one for one in decisions])
    assert not found.succeeded
    (difference,) = found.differences
    assert difference.place == f"ads[{changed.origin.partition}]@{changed.origin.offset}"
    assert "outcome reject is now review" in difference.what
    assert "another-rule" in difference.what
    assert "a score differs by" in difference.what
    assert found.answers["reproduced"] == len(ADS) - 1


@pytest.mark.parametrize(("off", "same"), [(SCORE_TOLERANCE, True), (2 * SCORE_TOLERANCE, False)])
def test_scores_may_differ_in_their_last_digit(off: float, same: bool) -> None:  # noqa: FBT001 - an expectation
    """Another kind of CPU may round a sum otherwise; more than that is a difference."""
    decision = next(one for one in _decide(ADS) if one.scores.get("gambling") == 0.6)
    moved = decision.model_copy(update={"scores": {**decision.scores, "gambling": 0.6 + off}})
    found = _reproduce([moved])
    assert found.succeeded is same
    assert found.largest_score_difference == pytest.approx(off)


def test_a_recorded_block_holds_again_and_one_that_came_later_does_not() -> None:
    """The record says which blocks its worker knew."""
    block = Block(
        sequence=1, previous=NO_ENTRY, at=DECIDED_AT, author="a", reason="r", block="shoes", what="term", value="shoes",
        policy="scam_fraud", expires_at=DECIDED_AT + timedelta(hours=1),
    )  # fmt: skip
    blocked, free = _decide(ADS[:20], blocks=Blocks([block])), _decide(ADS[20:])
    assert any(one.reasons and one.reasons[0].id == "block/shoes" for one in blocked)
    found = _reproduce([*blocked, *free])
    assert (found.succeeded, found.answers["reproduced"]) == (True, len(ADS))


def test_what_cannot_be_tried_is_told_apart() -> None:
    """No bundle, no submission, another model, no decision at all: none of it counts as reproduced."""
    strict, (first, second, third, *_) = make_bundle(STRICT_STRATEGY), _decide(ADS)
    model = first.model.model_copy(update={"sha256": "cd" * 32}) if first.model else None
    odd: list[Decision | bytes] = [
        _decide(ADS[3:4], strict)[0],
        first.model_copy(update={"origin": first.origin.model_copy(update={"offset": 9_999})}),
        second.model_copy(update={"model": model}),
        b"{}",
    ]
    found = _reproduce([*odd, third])
    assert not found.succeeded
    counted = {answer: count for answer, count in found.answers.items() if count}
    assert counted == {
        "reproduced": 1, "its bundle is not known": 1, "its submission is no longer there": 1,
        "another model had scored it": 1, "the record is no decision": 1,
    }  # fmt: skip


def test_failures_of_then_and_later_decisions_are_passed_over() -> None:
    """Nobody can make a part fail again in the same way; a reviewer's decision is not Sluice's."""
    cursed = record("lottery", 77)._replace(topic="ads")
    failing = LiveBundle(BUNDLE.strategies, make_classifier(SCORES, poison="lottery", labels=LABELS))
    (failed,) = moderate([_receive(cursed)], failing, DECIDED_AT)
    human = failed.decision.model_copy(update={"sequence": 1})
    found = _reproduce([failed.decision, human], ads=[cursed])
    assert found.succeeded
    assert found.answers["a part had failed when it was decided"] == 1
    assert found.answers["not the first decision on its submission"] == 1
