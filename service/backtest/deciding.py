"""Decides a block of ads and counts what became of them: the work of one core.

What it returns is small and says nothing about how the ads were cut into blocks.
"""

from collections.abc import Sequence

from service.answer import Judged, Received
from service.backtest.ads import AdRecord, name_place
from service.backtest.contest import Case, Contest, judge
from service.backtest.dimensions import ALL, DIMENSIONS, name_slices
from service.backtest.shortlist import Rank, Shortlist
from service.backtest.tally import Arm, ArmTally, Found, Tally, read_finding
from service.backtest.verdicts import Verdict
from service.contracts.decision import Origin, Outcome, Source
from service.contracts.reading import UnreadableSubmissionError, read_submission


def decide_block(block: Sequence[AdRecord], contest: Contest) -> Tally:
    """Return the counts of a block. Raises nothing for what an ad holds."""
    tally = Tally()
    read = [(record, ad) for record in block if (ad := _read(record, tally)) is not None]
    moved: list[tuple[int, tuple[Rank, AdRecord]]] = []
    for (record, _), case in zip(read, judge([ad for _, ad in read], contest), strict=True):
        _count(case, tally)
        if case.steps:
            moved.append((case.steps, (rank(case), record)))
    tally.stricter = Shortlist(ranked for steps, ranked in moved if steps > 0)
    tally.looser = Shortlist(ranked for steps, ranked in moved if steps < 0)
    return tally


def read_record(record: AdRecord) -> Received:
    """Return the submission with its coordinates. Raises UnreadableSubmissionError."""
    submission, _ = read_submission(record.value)
    origin = Origin(topic=record.topic, partition=record.partition, offset=record.offset)
    return Received(submission, origin, record.received_at or submission.submitted_at)


def _read(record: AdRecord, tally: Tally) -> Received | None:
    try:
        received = read_record(record)
    except UnreadableSubmissionError as error:
        letter = error.dead_letter
        tally.refuse(letter.error, f"{name_place(record)}: {letter.error}: {letter.message}")
        return None
    tally.see(received.submission.submitted_at)
    return received


def _count(case: Case, tally: Tally) -> None:
    found = read_finding(case.verdict)
    before, after = case.outcomes
    for dimension, value in zip(DIMENSIONS, name_slices(case.ad, case.as_of), strict=True):
        tally.find_cells(dimension, value).add(found, before, after)
    tally.find_cells(ALL, ALL).add(found, before, after)
    if found is Found.VIOLATING and case.verdict:
        tally.violating.update(case.verdict.policies)
    if before is not after:
        tally.moves[name_policy(case.stricter), before, after] += 1
    for arm, judged in ((Arm.BASELINE, case.before), (Arm.CANDIDATE, case.after)):
        _count_arm(judged, case.verdict, tally.arms[arm])


def _count_arm(judged: Judged, verdict: Verdict | None, arm: ArmTally) -> None:
    ruling = judged.ruling
    arm.parts_failed.update(judged.degraded)
    if ruling.outcome is Outcome.REVIEW:
        arm.tasks[ruling.priority_policy or ""] += 1
    elif ruling.outcome is Outcome.REJECT:
        arm.rejected[name_policy(judged)] += 1
        if verdict is not None and not verdict.violates:
            arm.overkilled[name_policy(judged)] += 1
    elif verdict is not None and verdict.violates:
        arm.leaked.update(verdict.policies)
    _count_rules(judged, verdict, arm)


def _count_rules(judged: Judged, verdict: Verdict | None, arm: ArmTally) -> None:
    outcome = judged.ruling.outcome
    decisive = sum(reason.outcome is outcome for reason in judged.ruling.reasons)
    for reason in judged.ruling.reasons:
        if reason.source is not Source.RULE:
            continue
        key = reason.id, reason.policy or ""
        arm.hits[key] += 1
        if decisive == 1 and reason.outcome is outcome and outcome is not Outcome.APPROVE:
            arm.alone[key] += 1
        if verdict is not None:
            arm.judged[key] += 1
            arm.right[key] += verdict.speaks_against(reason.policy)


def name_policy(judged: Judged) -> str:
    """Return the policy of the weightiest reason that led to the outcome; '' if none names one."""
    ruling = judged.ruling
    return next((r.policy for r in ruling.reasons if r.outcome is ruling.outcome and r.policy), "")


def is_wrong(case: Case) -> bool:
    """Tell whether a person's verdict speaks against what the candidate decided."""
    if case.verdict is None:
        return False
    return case.after.ruling.outcome is (Outcome.APPROVE if case.verdict.violates else Outcome.REJECT)


def rank(case: Case) -> Rank:
    """Return how telling a moved ad is; see `shortlist` for the order."""
    submission, origin, _ = case.received
    return Rank(
        not is_wrong(case),
        -abs(case.steps),
        -case.stricter.ruling.priority,
        submission.ad_id,
        submission.revision,
        origin.partition,
        origin.offset,
    )
