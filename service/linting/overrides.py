"""Finds what a narrower strategy says again: overrides of rules and thresholds that change nothing anywhere."""

from collections.abc import Iterable, Iterator

from service.linting.report import Findings
from service.strategy import Problem
from service.strategy.effective import THRESHOLD_FIELDS, Effective, MergedRule, merge_rule
from service.strategy.layers import RuleSource


def find_idle_overrides(effectives: Iterable[Effective]) -> Findings:
    """Return a warning for each override of a rule or a threshold that changes nothing wherever it applies."""
    seen = list(effectives)
    return Findings(warnings=(*_find_idle_rules(seen), *_find_idle_thresholds(seen)))


def _find_idle_rules(effectives: Iterable[Effective]) -> Iterator[Problem]:
    works: dict[RuleSource, bool] = {}
    for rule in {rule: None for effective in effectives for rule in effective.rules}:
        for source in rule.sources:
            works[source] = works.get(source, False) or _works(rule, source)
    for source, worked in works.items():
        if not worked:
            what = f"rule '{source.entry.id}' says here what the broader strategy says anyway"
            yield source.problem(("id",), what, "remove it, or change a field")


def _works(rule: MergedRule, source: RuleSource) -> bool:
    others = [other for other in rule.sources if other is not source]
    return not others or _told(merge_rule(others)) != _told(rule)


def _told(rule: MergedRule) -> dict[str, object]:
    return {"enabled": True, **{name: value for name, value in rule.values.items() if name != "note"}}


def _find_idle_thresholds(effectives: Iterable[Effective]) -> Iterator[Problem]:
    idle: dict[Problem, bool] = {}
    for effective in effectives:
        for index, layer in enumerate(effective.layers):
            broader = effective.layers[index + 1 :]
            for policy, entry in layer.strategy.thresholds.items():
                for name in THRESHOLD_FIELDS:
                    value = getattr(entry, name)
                    if value is None:
                        continue
                    given = (getattr(below.strategy.thresholds.get(policy), name, None) for below in broader)
                    inherited = next((other for other in given if other is not None), None)
                    what = f"thresholds.{policy}.{name} is {value} without this line too"
                    path = ("thresholds", policy, name)
                    problem = layer.document.problem(path, what, "remove it, or change the number", of_key=True)
                    idle[problem] = idle.get(problem, True) and inherited == value
    yield from (problem for problem, nothing in idle.items() if nothing)
