"""Checks a rule as it is written: the names it uses, and that each condition compiles and runs."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from service.contracts.submission import Advertiser, Creative, Submission
from service.rules.ad_view import AdView
from service.rules.condition_errors import ConditionError
from service.rules.conditions import CompiledConditions, compile_condition, ran_out
from service.rules.facts import Situation
from service.strategy.files import LIST_KINDS
from service.strategy.layers import RuleSource
from service.strategy.lists import Lists
from service.strategy.mentions import find_unknown
from service.strategy.problems import Problem, suggest
from service.strategy.rule_schema import HOST_FIELDS, TERM_FIELDS
from service.strategy.schema import BundleFile

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
_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")


def check_entry(source: RuleSource, shared: BundleFile, lists: Lists, scored: frozenset[str]) -> Iterator[Problem]:
    """Yield what is wrong with one rule as it is written, whatever it may be merged with."""
    policy = source.entry.policy
    if policy is not None and policy not in shared.policies:
        yield source.problem(("policy",), f"unknown policy '{policy}'", suggest(policy, shared.policies))
    yield from _check_match(source, lists)
    broken = [problem for number in range(len(source.entry.when)) for problem in _check_condition(source, number)]
    yield from broken
    for number, text in enumerate(source.entry.when):
        for mention in find_unknown(text, shared, lists, scored):
            where = source.document.where_inside((*source.path, "when", number), mention.line, mention.column)
            yield Problem(*where, f"rule '{source.entry.id}': {mention.what}", mention.remedy)
    if source.entry.when and not broken:
        yield from _try_conditions(source)


def _check_match(source: RuleSource, lists: Lists) -> Iterator[Problem]:
    match = source.entry.match
    if match is None:
        return
    if not match.lists:
        what = f"the match of rule '{source.entry.id}' names no list"
        yield source.problem(("match",), what, "add 'terms:' or 'hosts:'")
    for kind in LIST_KINDS:
        known = lists.of_kind(kind)
        for index, name in enumerate(getattr(match, kind)):
            if name not in known:
                yield source.problem(("match", kind, index), *_explain_list(kind, name, lists))
    allowed = (TERM_FIELDS if match.terms or match.regexes else ()) + (HOST_FIELDS if match.hosts else ())
    for index, name in enumerate(match.fields or ()):
        if allowed and name not in allowed:
            yield source.problem(("match", "in", index), f"'{name}' is no field to look in", suggest(name, allowed))
    if match.fields and match.lists and not allowed:
        yield source.problem(("match", "in"), "'in' means nothing for advertisers", "remove it", of_key=True)


def _explain_list(kind: str, name: str, lists: Lists) -> tuple[str, str]:
    other = lists.kind_of(name)
    remedy = f"write '{other}: {name}'" if other else suggest(name, lists.of_kind(kind))
    return f"unknown list lists/{kind}/{name}.txt", remedy


def _check_condition(source: RuleSource, number: int) -> Iterator[Problem]:
    try:
        compile_condition(source.entry.when[number])
    except ConditionError as error:
        where = source.document.where_inside((*source.path, "when", number), error.line, error.column)
        yield Problem(*where, f"rule '{source.entry.id}': {error.what}", error.remedy)


def _try_conditions(source: RuleSource) -> Iterator[Problem]:
    texts = source.entry.when
    situation = Situation(AdView(_BARE_AD), _NOW, {}, [], [])
    for number, text in enumerate(texts):
        if not _LOOP.search(text):
            continue
        alone = CompiledConditions([text])
        if alone.evaluate(situation) == [None] and ran_out(alone.explain_failure(0, situation)):
            what = f"rule '{source.entry.id}': loops inside loops run longer than the engine lets them"
            yield source.problem(("when", number), what, "loop once, or put the values on a list")
            return
    together = CompiledConditions([join_conditions(texts)])
    if together.evaluate(situation) == [None]:
        why = together.explain_failure(0, situation)
        what = f"rule '{source.entry.id}' fails on an ad that sends no attributes and has no scores: {why}"
        remedy = "ask first: has(ad.attributes.x) && ... , or 'x' in scores && ..."
        yield source.problem(("when", 0), what, remedy)


def join_conditions(texts: tuple[str, ...]) -> str:
    """Return one condition that holds where all hold."""
    return "\n && ".join(f"({text}\n)" for text in texts)
