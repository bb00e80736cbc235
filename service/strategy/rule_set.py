"""The rules that apply in one layering, compiled; from an ad to the rules that fired on it, with evidence.

The indexes are the bundle's. Conditions are compiled once a strategy, not once a layering: a layering asks the lists
of all its strategies and leaves out the rules that a more specific one replaced. So a bundle takes what its files
hold, however its scopes cross.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from service.contracts.decision import Outcome
from service.rules.ad_view import AdView
from service.rules.conditions import CompiledConditions, FactSheet
from service.rules.facts import FACTS, Situation
from service.strategy.effective import MergedRule
from service.strategy.entries import join_conditions
from service.strategy.indexes import Hits, Indexes
from service.strategy.layers import Layer, RuleSource
from service.strategy.matching import Matcher
from service.strategy.rule_schema import SHIFTS, Rule
from service.strategy.ruling import RuleResult

Compiled = dict[tuple[str, ...], CompiledConditions]
"""Lists of conditions by their texts; two bundles share the equal ones."""


class PreparedRule(NamedTuple):
    """A rule ready to be evaluated; its conditions stand at `place` of the list `group`, if it has any."""

    rule: Rule
    matcher: Matcher | None
    group: CompiledConditions | None
    place: int


class Conditions:
    """The conditions of all rules of a bundle, in one list for each strategy's rules with a match, one for the rest."""

    def __init__(self, layers: Iterable[Layer], known: Compiled) -> None:
        self.compiled: Compiled = {}
        self._seats: dict[RuleSource, tuple[CompiledConditions, int]] = {}
        self._prepared: dict[MergedRule, PreparedRule] = {}
        for layer in layers:
            asking = [source for source in layer.rules if source.entry.when]
            # Most ads hit no list, so the conditions of rules that need a hit are asked only after one.
            for group in ([s for s in asking if not s.entry.match], [s for s in asking if s.entry.match]):
                if group:
                    self._seat(group, known)

    def _seat(self, sources: Sequence[RuleSource], known: Compiled) -> None:
        texts = tuple(join_conditions(source.entry.when) for source in sources)
        group = self.compiled.get(texts) or known.get(texts) or CompiledConditions(texts)
        self.compiled[texts] = group
        for place, source in enumerate(sources):
            self._seats[source] = group, place

    def prepare(self, merged: MergedRule) -> PreparedRule:
        """Return a merged rule, ready; layerings that have it in common share it."""
        if merged not in self._prepared:
            rule = merged.to_rule()
            matcher = Matcher(rule.match) if rule.match else None
            group, place = self._seats[merged.source_of("when")] if rule.when else (None, 0)
            self._prepared[merged] = PreparedRule(rule, matcher, group, place)
        return self._prepared[merged]


class _Asked:
    """A list of conditions as one layering asks it: which places belong to which of its rules, and when to ask."""

    def __init__(self, group: CompiledConditions) -> None:
        self.group = group
        self.places: list[int] = []
        self.rules: list[int] = []
        self._lists: set[str] | None = set()

    def add(self, place: int, rule: int, lists: Sequence[str] | None) -> None:
        self.places.append(place)
        self.rules.append(rule)
        self._lists = None if lists is None or self._lists is None else self._lists | set(lists)

    def is_needed(self, names: Sequence[str]) -> bool:
        return self._lists is None or not self._lists.isdisjoint(names)


class RuleSet:
    """Evaluates the rules of one layering."""

    def __init__(self, rules: Iterable[MergedRule], conditions: Conditions, indexes: Indexes) -> None:
        self._prepared = [conditions.prepare(rule) for rule in rules]
        self._indexes = indexes
        self._unconditional: dict[int, str] = {}
        groups: dict[int, _Asked] = {}
        for index, (rule, _, group, place) in enumerate(self._prepared):
            if group is None:
                self._unconditional[index] = ""
            else:
                asked = groups.setdefault(id(group), _Asked(group))
                asked.add(place, index, rule.match.lists if rule.match else None)
        self._asked = tuple(groups.values())
        mentioned = {name for asked in self._asked for name in asked.group.facts}
        self._facts = tuple(name for name in FACTS if name in mentioned)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, broadest strategy first."""
        return tuple(prepared.rule for prepared in self._prepared)

    def search(self, ad: AdView) -> Hits:
        """Return what the bundle's lists find in an ad."""
        return self._indexes.search(ad)

    def evaluate(self, ad: AdView, scores: Mapping[str, float] | None, as_of: datetime) -> list[RuleResult]:
        """Return the rules that fired on the ad or failed on it, in the order of the files, broadest strategy first."""
        hits = self._indexes.search(ad)
        situation = describe_situation(ad, hits, scores, as_of)
        live = self._ask_conditions(situation)
        if hits.any:
            live |= self._unconditional
        results = (self._apply(index, live[index], ad, hits) for index in sorted(live))
        return [result for result in results if result]

    def _ask_conditions(self, situation: Situation) -> dict[int, str]:
        """Return the rules that are not ruled out: '' where the conditions hold, else why they failed."""
        names = (*situation.term_hits, *situation.regex_hits, *situation.host_hits, *situation.advertiser_hits)
        needed = [asked for asked in self._asked if asked.is_needed(names)]
        if not needed:
            return {}
        sheet = FactSheet(self._facts, situation)
        live: dict[int, str] = {}
        for asked in needed:
            truths = asked.group.evaluate_on(sheet, asked.places)
            for place, rule, truth in zip(asked.places, asked.rules, truths, strict=True):
                if truth is not False:
                    live[rule] = "" if truth else asked.group.explain_failure(place, situation)
        return live

    def _apply(self, index: int, failure: str, ad: AdView, hits: Hits) -> RuleResult | None:
        rule, matcher, _, _ = self._prepared[index]
        matched = matcher.find(ad, hits) if matcher else None
        if matcher and matched is None:
            return None
        disguised = matched is not None and matched.disguised
        evidence = matched.evidence if matched else ()
        detail = " && ".join(rule.when) if matched is None else "found only in disguised spelling" if disguised else ""
        if failure:
            return RuleResult(
                rule.id, rule.policy, Outcome.REVIEW, detail, evidence, failure, on_failure=rule.on_failure
            )
        if disguised and rule.evasion_action:
            return RuleResult(rule.id, rule.policy, rule.evasion_action, detail, evidence)
        if rule.action in SHIFTS:
            shift = SHIFTS[rule.action] * (rule.by or 0.0)
            return RuleResult(rule.id, rule.policy, Outcome.APPROVE, detail, evidence, shift=shift)
        return RuleResult(rule.id, rule.policy, Outcome(rule.action.value), detail, evidence)


def describe_situation(ad: AdView, hits: Hits, scores: Mapping[str, float] | None, as_of: datetime) -> Situation:
    """Return what conditions are evaluated on."""
    return Situation(
        ad,
        as_of,
        scores or {},
        term_hits=sorted({hit.entry.list for hit in hits.terms}) if hits.terms else (),
        host_hits=sorted({hit.list for hit in hits.hosts}) if hits.hosts else (),
        regex_hits=sorted({hit.entry.list for hit in hits.regexes}) if hits.regexes else (),
        advertiser_hits=[hit.list for hit in hits.advertisers],
    )
