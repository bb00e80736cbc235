"""Finds rules that another rule makes pointless: it fires wherever they do, on the same policy, and is no milder."""

from collections.abc import Iterable, Sequence
from typing import Any

from service.contracts.decision import Outcome
from service.linting.cells import Limits
from service.linting.conjuncts import Conjunct, read_conjuncts
from service.linting.firing import limit_to_known, limit_to_match
from service.linting.proving import implies
from service.linting.report import Findings
from service.strategy import Problem
from service.strategy.effective import Effective, MergedRule
from service.strategy.rule_schema import Match
from service.strategy.ruling import SEVERITY
from service.strategy.schema import BundleFile

_KINDS = ("terms", "regexes", "hosts", "advertisers")


class _Comparison:
    """Compares rules in pairs; remembers the answers, since the same rules meet in many layerings."""

    def __init__(self, shared: BundleFile) -> None:
        self._known = limit_to_known(shared)
        self._answers: dict[tuple[MergedRule, MergedRule], bool] = {}
        self._conjuncts: dict[MergedRule, list[Conjunct]] = {}

    def shadows(self, upper: MergedRule, lower: MergedRule) -> bool:
        """Tell whether it is proven that `lower` never matters beside `upper`."""
        pair = upper, lower
        if pair not in self._answers:
            self._answers[pair] = (
                upper.values["policy"] == lower.values["policy"]
                and _is_no_milder(upper.values, lower.values)
                and _matches_as_much(upper.values.get("match"), lower.values.get("match"))
                and implies(self._read(lower), self._read(upper), self._limit(lower))
            )
        return self._answers[pair]

    def _read(self, rule: MergedRule) -> Sequence[Conjunct]:
        if rule not in self._conjuncts:
            self._conjuncts[rule] = read_conjuncts(rule.values.get("when") or ())
        return self._conjuncts[rule]

    def _limit(self, rule: MergedRule) -> Limits:
        return Limits({**self._known.values, **limit_to_match(rule.values.get("match")).values})


def find_shadowed(effectives: Iterable[Effective], shared: BundleFile) -> Findings:
    """Return a warning for each rule that some other rule shadows wherever it applies."""
    comparison = _Comparison(shared)
    shadow: dict[MergedRule, MergedRule | None] = {}
    for effective in effectives:
        active = [rule for rule in effective.active if rule.complete]
        for index, rule in enumerate(active):
            if shadow.get(rule, rule) is not None:
                shadow[rule] = _find_shadow(active, index, comparison)
    found = ((rule, upper) for rule, upper in shadow.items() if upper is not None)
    return Findings(warnings=tuple(_explain(rule, upper) for rule, upper in found))


def _find_shadow(active: Sequence[MergedRule], index: int, comparison: _Comparison) -> MergedRule | None:
    rule = active[index]
    for other, upper in enumerate(active):
        # Of two that shadow each other the later one is told.
        if (
            other != index
            and comparison.shadows(upper, rule)
            and (other < index or not comparison.shadows(rule, upper))
        ):
            return upper
    return None


def _explain(rule: MergedRule, upper: MergedRule) -> Problem:
    source = upper.sources[0].where("id")
    what = f"rule '{rule.id}' changes nothing: rule '{upper.id}' ({source}) fires wherever it does and is no milder"
    return rule.sources[0].problem(("id",), what, "remove it, or give it a harder action")


def _is_no_milder(upper: Any, lower: Any) -> bool:  # noqa: ANN401 - merged values are of all kinds
    plain, evasive = _outcomes(upper)
    lower_plain, lower_evasive = _outcomes(lower)
    if None in {plain, evasive, lower_plain, lower_evasive}:
        return False  # a rule that moves a score
    if Outcome.APPROVE in {plain, evasive, lower_plain, lower_evasive}:
        return plain == evasive == lower_plain == lower_evasive
    least = min(_severity(plain), _severity(evasive))
    return _severity(plain) >= _severity(lower_plain) and least >= _severity(lower_evasive)


def _severity(outcome: Outcome | None) -> int:
    return SEVERITY[outcome] if outcome else -1


def _outcomes(values: Any) -> tuple[Outcome | None, Outcome | None]:  # noqa: ANN401 - merged values
    """Return what a rule does on a plain and on a disguised hit; None for a rule that moves a score."""
    name = str(values["action"])
    plain = Outcome(name) if name in {outcome.value for outcome in Outcome} else None
    return plain, values.get("evasion_action") or plain


def _matches_as_much(upper: Match | None, lower: Match | None) -> bool:
    if upper is None:
        return True
    if lower is None or not all(set(getattr(lower, kind)) <= set(getattr(upper, kind)) for kind in _KINDS):
        return False
    fields = upper.fields is None or (lower.fields is not None and set(lower.fields) <= set(upper.fields))
    return fields and set(lower.views) <= set(upper.views)
