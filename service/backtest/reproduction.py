"""Decides recorded decisions once more, as they were decided then, and says where the result differs: 0 is expected.

Each is decided by the bundle of its recorded hash, as of its recorded `decided_at`; the recorded arm is in that hash.
Emergency blocks are taken from the record, since a decision does not say which of them its worker had read. Compared
are outcome, strategy, reasons (policy, source, id, outcome, limit) and scores. On the same kind of CPU scores are equal
to the last digit; on another kind a sum may be rounded otherwise, so a score may differ by `SCORE_TOLERANCE`, the last
digit that decisions hold. An outcome that differs is a difference always.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple, cast

from pydantic import Field, ValidationError

from service.answer import LiveBundle, Received
from service.backtest.ads import AdRecord
from service.backtest.deciding import read_record
from service.backtest.figures import Figures
from service.contracts.decision import Decision, Reason
from service.contracts.ledger import Block
from service.contracts.reading import UnreadableSubmissionError
from service.moderate import moderate_or_review
from service.release.blocks import RULE_PREFIX, Blocks
from service.rules import AdView
from service.strategy import RuleResult

SCORE_TOLERANCE = 0.0001
_TOLD = 20
_CRUMB = 1e-9


class Answer(StrEnum):
    """What came of one recorded decision."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    FAILED_THEN = "a part had failed when it was decided"
    NO_BUNDLE = "its bundle is not known"
    OTHER_MODEL = "another model had scored it"
    NO_SUBMISSION = "its submission is no longer there"
    UNREADABLE = "the record is no decision"
    LATER = "not the first decision on its submission"


PASSED_OVER = (Answer.FAILED_THEN, Answer.LATER)
"""Nothing can be said about these, and nothing is wrong with them."""


class Difference(Figures):
    """A decision that comes out otherwise."""

    place: str = Field(description="Where its submission lies.")
    ad_id: str
    bundle: str
    what: str


class Reproduction(Figures):
    """What came of all."""

    answers: dict[str, int]
    score_tolerance: float = SCORE_TOLERANCE
    largest_score_difference: float
    differences: tuple[Difference, ...] = Field(description="The first of them.")

    @property
    def succeeded(self) -> bool:
        """Whether all that could come out the same did, and all could be tried."""
        return not any(
            self.answers[answer] for answer in self.answers if answer not in {Answer.REPRODUCED, *PASSED_OVER}
        )


class Archive(NamedTuple):
    """Where the past is: a bundle by its hash (None: not known), and the submissions of a run of offsets."""

    find_bundle: Callable[[str], LiveBundle | None]
    find_ads: Callable[[str, int, Sequence[int]], Iterable[AdRecord]]


class _Recorded(NamedTuple):
    """A decision with its submission."""

    decision: Decision
    received: Received


def reproduce(batches: Iterable[Sequence[bytes]], archive: Archive, show: Callable[[int], None]) -> Reproduction:
    """Return what came of the decisions; `show` is told after each batch how many were looked at."""
    counts: Counter[str] = Counter({answer.value: 0 for answer in Answer})
    differences: list[Difference] = []
    largest = 0.0
    for batch in batches:
        for answer, difference, score in _reproduce_batch(batch, archive):
            counts[answer.value] += 1
            largest = max(largest, score)
            if difference is not None and len(differences) < _TOLD:
                differences.append(difference)
        show(counts.total())
    return Reproduction(
        answers=dict(counts), largest_score_difference=round(largest, 6), differences=tuple(differences)
    )


_Result = tuple[Answer, Difference | None, float]


def _reproduce_batch(batch: Sequence[bytes], archive: Archive) -> Iterator[_Result]:
    decisions: list[Decision] = []
    for value in batch:
        try:
            decision = Decision.model_validate_json(value)
        except ValidationError:
            yield Answer.UNREADABLE, None, 0.0
            continue
        if decision.sequence:
            yield Answer.LATER, None, 0.0
        else:
            decisions.append(decision)
    recorded = []
    for decision, received in _join(decisions, archive):
        if received is None:
            yield Answer.NO_SUBMISSION, None, 0.0
        else:
            recorded.append(_Recorded(decision, received))
    for _, group in groupby(recorded, _name_group):
        yield from _reproduce_group(list(group), archive)


def _join(decisions: Sequence[Decision], archive: Archive) -> Iterator[tuple[Decision, Received | None]]:
    ads: dict[tuple[str, int, int], AdRecord] = {}
    places = sorted({(one.origin.topic, one.origin.partition, one.origin.offset) for one in decisions})
    for (topic, partition), group in groupby(places, lambda place: place[:2]):
        for ad in archive.find_ads(topic, partition, [offset for _, _, offset in group]):
            ads[ad.topic, ad.partition, ad.offset] = ad
    for decision in decisions:
        found = ads.get((decision.origin.topic, decision.origin.partition, decision.origin.offset))
        try:
            yield decision, None if found is None else read_record(found)
        except UnreadableSubmissionError:
            yield decision, None


def _name_group(one: _Recorded) -> tuple[str, datetime, tuple[Reason, ...]]:
    """Decisions of one chunk share bundle and time, and are decided together again; blocked ads by themselves."""
    return one.decision.bundle.sha256, one.decision.decided_at, _find_blocks(one.decision)


def _find_blocks(decision: Decision) -> tuple[Reason, ...]:
    return tuple(reason for reason in decision.reasons if reason.id.startswith(RULE_PREFIX))


class RecordedBlocks(Blocks):
    """The blocks that a decision names, as they were found then."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__()
        self._found = [RuleResult(one.id, one.policy or "", one.outcome, one.detail, one.evidence) for one in reasons]
        # Only asked whether there are any.
        self.entries = tuple(cast(Block, reason) for reason in reasons)

    def find(self, ad: AdView, as_of: datetime) -> list[RuleResult]:  # noqa: ARG002 - they held then, for this ad
        """Return what the decision says was found."""
        return list(self._found)


def _reproduce_group(group: Sequence[_Recorded], archive: Archive) -> Iterator[_Result]:
    first = group[0].decision
    bundle = archive.find_bundle(first.bundle.sha256)
    if bundle is None:
        yield from ((Answer.NO_BUNDLE, None, 0.0) for _ in group)
        return
    blocks = RecordedBlocks(_find_blocks(first))
    moderated = moderate_or_review([one.received for one in group], bundle, first.decided_at, blocks)
    for one, again in zip(group, moderated, strict=True):
        yield _compare(one.decision, again.decision)


def _compare(then: Decision, now: Decision) -> _Result:
    if then.model is not None and now.model is not None and then.model.sha256 != now.model.sha256:
        return Answer.OTHER_MODEL, None, 0.0
    score = _measure_scores(then, now)
    told = [f"outcome {then.outcome} is now {now.outcome}"] if then.outcome is not now.outcome else []
    if then.strategy != now.strategy:
        told.append(f"strategy {then.strategy} is now {now.strategy}")
    if _read_reasons(then) != _read_reasons(now):
        gone = [str(one) for one in _read_reasons(then) if one not in _read_reasons(now)]
        new = [str(one) for one in _read_reasons(now) if one not in _read_reasons(then)]
        told.append(f"reasons: gone {', '.join(gone) or 'none'}; new {', '.join(new) or 'none'}")
    if score > SCORE_TOLERANCE + _CRUMB:
        told.append(f"a score differs by {score:.6f}")
    if not told:
        return Answer.REPRODUCED, None, score
    if {part for part in then.degraded if part not in now.degraded} - {"candidate_failed"}:
        return Answer.FAILED_THEN, None, 0.0
    place = f"{then.origin.topic}[{then.origin.partition}]@{then.origin.offset}"
    difference = Difference(place=place, ad_id=then.ad_id, bundle=then.bundle.sha256, what="; ".join(told))
    return Answer.DIFFERS, difference, score


def _measure_scores(then: Decision, now: Decision) -> float:
    if set(then.scores) != set(now.scores):
        return 1.0
    return max((abs(score - now.scores[policy]) for policy, score in then.scores.items()), default=0.0)


def _read_reasons(decision: Decision) -> list[tuple[str | None, str, str, str, float | None]]:
    return [(one.policy, one.source.value, one.id, one.outcome.value, one.threshold) for one in decision.reasons]
