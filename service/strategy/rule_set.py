"""The rules that apply in one layering, ready; from an ad to the rules that fired on it, with evidence.

The indexes and the compiled conditions are the bundle's, so it takes what its files hold, however its scopes cross.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from service.contracts.decision import Outcome
from service.rules.ad_view import AdView
from service.rules.facts import Situation
from service.strategy.effective import MergedRule
from service.strategy.gating import Asked, Compiled, Conditions, Gate
from service.strategy.indexes import Hits, Indexes
from service.strategy.layers import Layer
from service.strategy.matching import Matcher
from service.strategy.rule_schema import SHIFTS, Rule
from service.strategy.ruling import RuleResult


class PreparedRule(NamedTuple):
    """A rule ready to be evaluated."""

    rule: Rule
    matcher: Matcher | None
    asked: Asked
    outcome: Outcome
    shift: float


class Preparation:
    """Makes a bundle's rules ready, each once; layerings that have a rule in common share it."""

    def __init__(self, layers: Iterable[Layer], known: Compiled) -> None:
        """Take the strategies, and the compiled conditions of a bundle in memory."""
        texts = (text for layer in layers for source in layer.rules for text in source.entry.when or ())
        self.conditions = Conditions(texts, known)
        self._prepared: dict[MergedRule, PreparedRule] = {}

    def prepare(self, merged: MergedRule) -> PreparedRule:
        """Return a merged rule, ready."""
        if merged not in self._prepared:
            rule = merged.to_rule()
            matcher = Matcher(rule.match) if rule.match else None
            asked = Asked(rule.when, frozenset(rule.match.lists) if rule.match else None)
            shifts = rule.action in SHIFTS
            outcome = Outcome.APPROVE if shifts else Outcome(rule.action.value)
            shift = SHIFTS[rule.action] * (rule.by or 0.0) if shifts else 0.0
            self._prepared[merged] = PreparedRule(rule, matcher, asked, outcome, shift)
        return self._prepared[merged]


class RuleSet:
    """Evaluates the rules of one layering."""

    def __init__(self, rules: Iterable[MergedRule], preparation: Preparation, indexes: Indexes) -> None:
        self._prepared = [preparation.prepare(rule) for rule in rules]
        self._indexes = indexes
        self._gate = Gate([prepared.asked for prepared in self._prepared], preparation.conditions)

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
        live = self._ask_conditions(describe_situation(ad, hits, scores, as_of))
        results = (self._apply(index, live[index], ad, hits) for index in sorted(live))
        return [result for result in results if result]

    def _ask_conditions(self, situation: Situation) -> dict[int, str]:
        """Return the rules that are not ruled out: '' where the conditions hold, else why they failed."""
        verdict = self._gate.judge(situation)
        live = dict.fromkeys(verdict.settled, "")
        if verdict.conditions is not None:
            truths = verdict.conditions.evaluate(situation)
            for place, (rule, truth) in enumerate(zip(verdict.open, truths, strict=True)):
                if truth is not False:
                    live[rule] = "" if truth else verdict.conditions.explain_failure(place, situation)
        return live

    def _apply(self, index: int, failure: str, ad: AdView, hits: Hits) -> RuleResult | None:
        rule, matcher, _, outcome, shift = self._prepared[index]
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
        return RuleResult(rule.id, rule.policy, outcome, detail, evidence, "", shift)


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
