"""Turns the counts of all ads into the report."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from service import __version__
from service.answer import LiveBundle
from service.backtest.ads import AdSource
from service.backtest.contest import OUTCOMES, Contest
from service.backtest.dimensions import AGE_BANDS, ALL, DIMENSIONS, OTHER
from service.backtest.examples import describe
from service.backtest.figures import make_change, make_share, tidy
from service.backtest.measures import PAIRED, Measure, count_measure, count_moved, pair_measure
from service.backtest.report import (
    Ads,
    Changes,
    Failures,
    Measures,
    Model,
    Move,
    PolicyArm,
    PolicyFigures,
    PolicyMoves,
    Report,
    RuleArm,
    RuleFigures,
    Side,
    Slice,
)
from service.backtest.review_load import ReviewMinutes, summarise_queue
from service.backtest.tally import Arm, ArmTally, Cells, Found, Tally
from service.contracts.decision import Outcome


def summarise(tally: Tally, source: AdSource, contest: Contest, minutes: ReviewMinutes) -> Report:
    """Return the report. The examples are decided here, once more and in full."""
    compared = contest.baseline is not None
    overall = summarise_slice(ALL, ALL, tally.slices[ALL].get(ALL, Cells()), compared=compared)
    return Report(
        sluice=__version__,
        candidate=_name(contest.candidate),
        baseline=_name(contest.baseline) if contest.baseline else None,
        model=Model(id=contest.candidate.classifier.model_id, sha256=contest.candidate.classifier.model_hash),
        as_of=contest.as_of.isoformat() if contest.as_of else "submitted_at",
        ads=_summarise_ads(tally, source),
        verdicts=overall.clean + overall.violating,
        overall=overall,
        moves=tuple(
            _list_moves(lambda before, after: tally.slices[ALL].get(ALL, Cells()).count(before=before, after=after))
        ),
        moves_by_policy=tuple(_list_policy_moves(tally)),
        policies=tuple(_list_policies(tally, contest)),
        slices=tuple(_list_slices(tally, compared=compared)),
        rules=tuple(_list_rules(tally, contest)),
        queue=summarise_queue(tally, minutes, compared=compared),
        failures=Failures(
            candidate=_sort(tally.arms[Arm.CANDIDATE].parts_failed),
            baseline=_sort(tally.arms[Arm.BASELINE].parts_failed) if compared else None,
        ),
        stricter=tuple(describe(ad, contest) for ad in tally.stricter.ads),
        looser=tuple(describe(ad, contest) for ad in tally.looser.ads),
    )


def _name(bundle: LiveBundle) -> Side:
    return Side(version=bundle.strategies.version, sha256=bundle.strategies.sha256)


def _summarise_ads(tally: Tally, source: AdSource) -> Ads:
    hours = None if not (tally.earliest and tally.latest) else (tally.latest - tally.earliest).total_seconds() / 3_600
    return Ads(
        read=source.ads,
        decided=tally.ads,
        sha256=source.sha256,
        earliest=_write(tally.earliest),
        latest=_write(tally.latest),
        hours=None if hours is None else tidy(hours),
        unreadable=_sort(tally.unreadable),
        unreadable_told=tuple(tally.told),
    )


def _write(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()


def _sort(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def summarise_slice(dimension: str, value: str, cells: Cells, *, compared: bool) -> Slice:
    """Return the figures of a set of ads."""
    return Slice(
        dimension=dimension,
        value=value,
        ads=cells.count(),
        clean=cells.count((Found.CLEAN,)),
        violating=cells.count((Found.VIOLATING,)),
        moved=count_moved(cells),
        candidate=_measure(cells, Arm.CANDIDATE),
        baseline=_measure(cells, Arm.BASELINE) if compared else None,
        changes=Changes(**{m.value: make_change(pair_measure(cells, m)) for m in PAIRED}) if compared else None,
    )


def _measure(cells: Cells, arm: Arm) -> Measures:
    return Measures(**{measure.value: make_share(*count_measure(cells, measure, arm)) for measure in Measure})


def _list_slices(tally: Tally, *, compared: bool) -> Iterable[Slice]:
    for dimension in DIMENSIONS:
        values = tally.slices[dimension]
        for value in sorted(values, key=lambda value: _order_value(value, values[value])):
            yield summarise_slice(dimension, value, values[value], compared=compared)


def _order_value(value: str, cells: Cells) -> tuple[bool, int, int, str]:
    """Ages stand in their order, other values with the most ads first, what was not counted apart last."""
    age = AGE_BANDS.index(value) if value in AGE_BANDS else -1
    return value == OTHER, age, -cells.count(), value


def _list_moves(count: Callable[[Outcome, Outcome], int]) -> Iterable[Move]:
    for before in OUTCOMES:
        for after in OUTCOMES:
            if before is not after and (ads := count(before, after)):
                yield Move(before=before, after=after, ads=ads)


def _list_policy_moves(tally: Tally) -> Iterable[PolicyMoves]:
    totals: dict[str, int] = {}
    for (policy, _, _), ads in tally.moves.items():
        totals[policy] = totals.get(policy, 0) + ads
    for policy in sorted(totals, key=lambda policy: (-totals[policy], policy)):
        moves = tuple(_list_moves(lambda before, after: tally.moves[policy, before, after]))  # noqa: B023 - used at once
        yield PolicyMoves(policy=policy or None, ads=totals[policy], moves=moves)


def _list_policies(tally: Tally, contest: Contest) -> Iterable[PolicyFigures]:
    bundles = [bundle for bundle in (contest.candidate, contest.baseline) if bundle is not None]
    names = {name for bundle in bundles for name in bundle.strategies.policies} | set(tally.violating)
    for arm in tally.arms.values():
        names |= {*arm.rejected, *arm.tasks, *arm.leaked}
    for name in sorted(names):
        yield PolicyFigures(
            policy=name or None,
            violating=tally.violating[name],
            candidate=_summarise_policy(name, tally.arms[Arm.CANDIDATE]),
            baseline=_summarise_policy(name, tally.arms[Arm.BASELINE]) if contest.baseline else None,
        )


def _summarise_policy(name: str, arm: ArmTally) -> PolicyArm:
    return PolicyArm(
        rejected=arm.rejected[name],
        overkilled=arm.overkilled[name],
        leaked=arm.leaked[name],
        review_tasks=arm.tasks[name],
    )


def _list_rules(tally: Tally, contest: Contest) -> Iterable[RuleFigures]:
    baseline = contest.baseline
    known = {Arm.CANDIDATE: _name_rules(contest.candidate), Arm.BASELINE: _name_rules(baseline) if baseline else set()}
    for rule, policy in sorted(known[Arm.CANDIDATE] | known[Arm.BASELINE]):
        made = {
            arm: _summarise_rule((rule, policy), tally.arms[arm]) if (rule, policy) in known[arm] else None
            for arm in Arm
        }
        yield RuleFigures(rule=rule, policy=policy, candidate=made[Arm.CANDIDATE], baseline=made[Arm.BASELINE])


def _name_rules(bundle: LiveBundle) -> set[tuple[str, str]]:
    """Return all rules that can apply to some ad, so that one without a hit is seen as well."""
    return {(rule.id, rule.values["policy"]) for one in bundle.strategies.strategies for rule in one.effective.active}


def _summarise_rule(key: tuple[str, str], arm: ArmTally) -> RuleArm:
    return RuleArm(hits=arm.hits[key], alone=arm.alone[key], precision=make_share(arm.right[key], arm.judged[key]))
