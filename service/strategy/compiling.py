"""Checks what a bundle's files say about each other, and that every rule can work; all problems in one run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from service.contracts.decision import Outcome
from service.contracts.submission import Advertiser, Creative, Submission
from service.rules.ad_view import AdView
from service.rules.condition_errors import ConditionError
from service.rules.conditions import CompiledConditions, compile_condition
from service.rules.facts import Situation
from service.strategy.lists import Lists
from service.strategy.problems import Problem, suggest
from service.strategy.reading import Document
from service.strategy.schema import ANY, HOST_FIELDS, TERM_FIELDS, BundleFile, Rule, StrategyFile
from service.strategy.scoping import DIMENSIONS, find_ties

# Rules are tried on an ad that says nothing it need not say: what fails on it would fail on many.
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_BARE_AD = Submission(
    schema_version=1,
    ad_id="bare",
    revision=0,
    submitted_at=_NOW,
    advertiser=Advertiser(id="bare"),
    vertical="other",
    market="DE",
    product="feed",
    creative=Creative(),
)


class Source(NamedTuple):
    """A strategy and the file it was read from."""

    document: Document
    strategy: StrategyFile


def check_bundle(shared: BundleFile, sources: list[Source], lists: Lists) -> list[Problem]:
    """Return every problem of meaning: unknown names, impossible thresholds, conditions that do not compile, ties."""
    problems: list[Problem] = []
    by_id: dict[str, Source] = {}
    for source in sources:
        if source.strategy.id in by_id:
            other = by_id[source.strategy.id].document.file
            what = f"strategy id '{source.strategy.id}' is already used in {other}"
            problems.append(source.document.problem(("id",), what, "give each strategy its own id"))
        by_id.setdefault(source.strategy.id, source)
        problems += _check_scope(source) + _check_thresholds(source, shared)
        for index, rule in enumerate(source.strategy.rules):
            problems += _check_rule(source, index, rule, shared, lists)
        problems += _check_rule_ids(source)
    problems += _check_ties(by_id)
    return problems


def _check_scope(source: Source) -> list[Problem]:
    problems = []
    for name in DIMENSIONS:
        values = getattr(source.strategy.scope, name)
        if ANY in values and len(values) > 1:
            what = f"scope.{name} says '{ANY}' beside other values"
            problems.append(source.document.problem(("scope", name), what, f"write '{ANY}' alone, or the values alone"))
    return problems


def _check_thresholds(source: Source, shared: BundleFile) -> list[Problem]:
    problems = []
    for policy, threshold in source.strategy.thresholds.items():
        path = ("thresholds", policy)
        if policy not in shared.policies:
            what = f"unknown policy '{policy}'"
            problems.append(source.document.problem(path, what, suggest(policy, shared.policies), of_key=True))
        if threshold.approve_below > threshold.reject_above:
            what = f"approve_below {threshold.approve_below} is above reject_above {threshold.reject_above}"
            place = (*path, "approve_below")
            problems.append(source.document.problem(place, what, "give approve_below the smaller number"))
    return problems


def _check_rule_ids(source: Source) -> list[Problem]:
    problems, seen = [], dict[str, int]()
    for index, rule in enumerate(source.strategy.rules):
        if rule.id in seen:
            what = f"rule id '{rule.id}' is already used by rule {seen[rule.id] + 1}"
            problems.append(source.document.problem(("rules", index, "id"), what, "give each rule its own id"))
        seen.setdefault(rule.id, index)
    return problems


def _check_rule(source: Source, index: int, rule: Rule, shared: BundleFile, lists: Lists) -> list[Problem]:
    at = ("rules", index)
    problem = source.document.problem
    problems = []
    policy = shared.policies.get(rule.policy)
    if policy is None:
        what = f"unknown policy '{rule.policy}'"
        problems.append(problem((*at, "policy"), what, suggest(rule.policy, shared.policies)))
    for name in ("action", "evasion_action"):
        if policy and getattr(rule, name) is Outcome.APPROVE and not policy.rules_may_approve:
            what = f"policy '{rule.policy}' does not let a rule approve"
            problems.append(problem((*at, name), what, "use review, or set rules_may_approve in bundle.yaml"))
    if not rule.when and not rule.match:
        problems.append(
            problem(at, f"rule '{rule.id}' has neither 'when' nor 'match'", "add one, else it always fires")
        )
    if rule.evasion_action and (rule.match is None or (rule.match.hosts and not rule.match.terms)):
        what = "evasion_action only works with a match of terms"
        problems.append(problem((*at, "evasion_action"), what, "remove it, or add match.terms", of_key=True))
    return problems + _check_match(source, index, rule, lists) + _check_conditions(source, index, rule)


def _check_match(source: Source, index: int, rule: Rule, lists: Lists) -> list[Problem]:
    if rule.match is None:
        return []
    at = ("rules", index, "match")
    problem = source.document.problem
    problems = []
    if not rule.match.terms and not rule.match.hosts:
        problems.append(problem(at, f"the match of rule '{rule.id}' names no list", "add 'terms:' or 'hosts:'"))
    kinds: tuple[tuple[str, Mapping[str, object]], ...] = tuple(
        (kind, lists.of_kind(kind)) for kind in ("terms", "hosts")
    )
    for kind, known in kinds:
        for name in getattr(rule.match, kind):
            if name not in known:
                what = f"unknown list lists/{kind}/{name}.txt"
                problems.append(problem((*at, kind), what, suggest(name, known)))
    allowed = (TERM_FIELDS if rule.match.terms else ()) + (HOST_FIELDS if rule.match.hosts else ())
    strange = [name for name in rule.match.fields or () if allowed and name not in allowed]
    problems += [problem((*at, "in"), f"'{name}' is no field to look in", suggest(name, allowed)) for name in strange]
    return problems


def _check_conditions(source: Source, index: int, rule: Rule) -> list[Problem]:
    problems = []
    for number, text in enumerate(rule.when):
        path = ("rules", index, "when", number)
        try:
            compile_condition(text)
        except ConditionError as error:
            line, column = source.document.place(path)
            place = (line + error.line - 1, column + error.column - 1 if error.line == 1 else error.column)
            problems.append(Problem(source.document.file, *place, f"rule '{rule.id}': {error.what}", error.remedy))
    if rule.when and not problems:
        problems += _try_conditions(source, index, rule)
    return problems


def _try_conditions(source: Source, index: int, rule: Rule) -> list[Problem]:
    together = CompiledConditions(["\n && ".join(f"({text}\n)" for text in rule.when)])
    situation = Situation(AdView(_BARE_AD), _NOW, {}, [], [])
    if together.evaluate(situation) != [None]:
        return []
    why = together.explain_failure(0, situation)
    what = f"rule '{rule.id}' fails on an ad that sends no attributes and has no scores: {why}"
    remedy = "ask first: has(ad.attributes.x) && ... , or 'x' in scores && ..."
    return [source.document.problem(("rules", index, "when", 0), what, remedy)]


def _check_ties(by_id: Mapping[str, Source]) -> list[Problem]:
    return [
        by_id[second].document.problem(
            ("scope",),
            f"the scopes of '{first}' and '{second}' are equally specific and share ads",
            "narrow one of them, so that one strategy applies",
            of_key=True,
        )
        for first, second in find_ties({name: source.strategy.scope for name, source in by_id.items()})
    ]
