"""Judges a gate on the counts: which slices break which rule, and how sure that is.

A rule is judged on each slice by a one-sided test: the confidence at which the interval (Newcombe's for a change,
Wilson's for a share; see `intervals`) just touches the limit gives a p-value. A rule that looks at many slices would
raise false alarms by chance alone, so p-values are corrected: S. Holm, "A simple sequentially rejective multiple test
procedure", Scandinavian Journal of Statistics 6 (1979), 65-70. A rule whose breach must be ruled out needs none:
every slice has to pass, so that one slice's chance of a wrong pass bounds that of all (R. L. Berger, Technometrics 24
(1982), 295-300).
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

from service.backtest.gate_file import Gate, GateError, GateRule
from service.backtest.intervals import Interval, estimate_change, estimate_share, one_sided
from service.backtest.measures import count_measure, pair_measure
from service.backtest.report import CheckedRule, CheckedSlice, GateResult
from service.backtest.tally import Arm, Cells, Tally
from service.backtest.wording import MEASURES

_MOST_DEVIATIONS = 40.0
_HALVINGS = 60


class _Look(NamedTuple):
    """One slice under one rule: the interval as a function of its width, the limit and the figures in words."""

    dimension: str
    value: str
    estimate: Callable[[float], Interval]
    limit: float
    told: str

    @property
    def p_value(self) -> float:
        """The chance of figures like these where the limit is just kept."""
        if self.estimate(0.0).low <= self.limit:
            return 1.0
        inside, outside = 0.0, _MOST_DEVIATIONS
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if self.estimate(middle).low > self.limit else (inside, middle)
        return 1.0 - NormalDist().cdf(inside)


def check_gate(gate: Gate, *, compared: bool) -> None:
    """Raise GateError if a rule compares and there is no baseline."""
    if gate.compares and not compared:
        raise GateError("the gate has rules with may_grow_points, which compare: name a baseline with --against")


def judge_gate(gate: Gate, tally: Tally) -> GateResult:
    """Return what came of each rule; `check_gate` has been asked before."""
    rules = tuple(_judge_rule(rule, gate, tally) for rule in gate.rules)
    return GateResult(passed=all(rule.passed for rule in rules), rules=rules)


def _judge_rule(rule: GateRule, gate: Gate, tally: Tally) -> CheckedRule:
    slices = [
        (dimension, value, cells)
        for dimension in rule.slices
        for value, cells in sorted(tally.slices[dimension].items())
    ]
    looks = [
        _look(rule, *one) for one in slices if count_measure(one[2], rule.measure, Arm.CANDIDATE)[1] >= rule.at_least
    ]
    broken = list(_find_possible(looks, gate) if rule.breaks_when == "possible" else _find_shown(looks, gate))
    slices_told = f"{len(looks):,} slice{'s' if len(looks) > 1 else ''}"
    result = f"broken by {len(broken):,} of {slices_told}" if broken else f"kept by {slices_told}"
    if not looks:
        result = f"no slice has {rule.at_least:,} ads to be a share of, so nothing was judged"
        result += "; lower at_least, give more ads" + ("" if _is_of_all(rule) else " or more --verdicts")
    return CheckedRule(
        name=rule.name,
        passed=bool(looks) and not broken,
        text=result,
        looked_at=len(looks),
        too_few=len(slices) - len(looks),
        broken=tuple(broken),
    )


def _is_of_all(rule: GateRule) -> bool:
    return rule.measure in {"approved", "reviewed", "rejected"}


def _look(rule: GateRule, dimension: str, value: str, cells: Cells) -> _Look:
    count, of = count_measure(cells, rule.measure, Arm.CANDIDATE)
    if rule.may_grow_points is None:
        told = (
            f"{MEASURES[rule.measure]}: {count * 100 / of:.2f} %, {count:,} of {of:,} (limit {rule.at_most_points:g} %)"
        )
        limit = (rule.at_most_points or 0.0) / 100
        return _Look(dimension, value, lambda deviations: estimate_share(count, of, deviations), limit, told)
    pairs = pair_measure(cells, rule.measure)
    before = count_measure(cells, rule.measure, Arm.BASELINE)[0]
    told = (
        f"{MEASURES[rule.measure]}: from {before * 100 / of:.2f} to {count * 100 / of:.2f} % of {of:,}, "
        f"{pairs.change * 100:+.2f} points (limit {rule.may_grow_points:+g})"
    )
    return _Look(
        dimension, value, lambda deviations: estimate_change(pairs, deviations), rule.may_grow_points / 100, told
    )


def _find_possible(looks: Sequence[_Look], gate: Gate) -> Iterator[CheckedSlice]:
    deviations = one_sided(gate.confidence)
    for look in looks:
        high = look.estimate(deviations).high
        if high > look.limit:
            text = f"{look.told}; up to {high * 100:+.2f} is possible at {gate.confidence:.4g} confidence"
            yield CheckedSlice(dimension=look.dimension, value=look.value, text=text)


def _find_shown(looks: Sequence[_Look], gate: Gate) -> Iterator[CheckedSlice]:
    alpha = 1 - gate.confidence
    ranked = sorted(looks, key=lambda look: look.p_value)
    for place, look in enumerate(ranked):
        tests = {"none": 1, "bonferroni": len(looks), "holm": len(looks) - place}[gate.correction]
        if look.p_value > alpha / tests:
            return
        text = f"{look.told}; p = {look.p_value:.2g}, below {alpha / tests:.2g}"
        yield CheckedSlice(dimension=look.dimension, value=look.value, text=text)
