"""The rules of one strategy, compiled; from an ad to the rules that fired on it, with evidence.

Term and host indexes are the bundle's and shared by all strategies; conditions are compiled as one list a strategy.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from service.contracts.decision import MAX_EVIDENCE, MAX_EXCERPT_CHARS, Evidence, Outcome, View
from service.rules.ad_view import AdView
from service.rules.conditions import CompiledConditions
from service.rules.facts import Situation
from service.rules.hosts import HostHit, HostIndex
from service.rules.terms import TermHit, TermIndex
from service.strategy.ruling import RuleResult
from service.strategy.schema import TERM_FIELDS, Match, Rule

_URL_FIELDS = {"landing_url": "creative.landing_url", "display_url": "creative.display_url"}
_ALL_TEXTS = frozenset("creative." + name for name in TERM_FIELDS)


class _Gated:
    """Rules with conditions, as indexes into the strategy's rules, and their conditions compiled as one list."""

    def __init__(self, rules: Sequence[Rule], indexes: Sequence[int]) -> None:
        self._indexes = list(indexes)
        self._conditions = CompiledConditions([" && ".join(f"({text}\n)" for text in rules[i].when) for i in indexes])

    def evaluate(self, situation: Situation) -> dict[int, str]:
        """Return the rules that are not ruled out: '' where the conditions hold, else why they failed."""
        truths = self._conditions.evaluate(situation)
        return {
            index: "" if truth else self._conditions.explain_failure(slot, situation)
            for slot, (index, truth) in enumerate(zip(self._indexes, truths, strict=True))
            if truth is not False
        }


class RuleSet:
    """Evaluates one strategy's rules."""

    def __init__(self, rules: Sequence[Rule], terms: TermIndex, hosts: HostIndex) -> None:
        self._rules = tuple(rules)
        self._terms, self._hosts = terms, hosts
        # Most ads hit no list, so the conditions of rules that need a hit are asked only after one.
        self._free = _Gated(rules, [i for i, rule in enumerate(rules) if rule.when and not rule.match])
        self._bound = _Gated(rules, [i for i, rule in enumerate(rules) if rule.when and rule.match])
        # Term and host lists may share a name; then the conditions are asked once too often, which is harmless.
        bound = [rule.match for rule in rules if rule.when and rule.match]
        self._bound_lists = frozenset(name for match in bound for name in (*match.terms, *match.hosts))
        self._unconditional = [i for i, rule in enumerate(rules) if not rule.when]
        self._fields = [_paths(rule.match) for rule in rules]

    def evaluate(self, ad: AdView, scores: Mapping[str, float] | None, as_of: datetime) -> list[RuleResult]:
        """Return the rules that fired on the ad or failed on it, in the strategy's order."""
        term_hits = self._terms.search(ad.views) if ad.text_fields else []
        host_hits = self._hosts.search(ad)
        situation = Situation(
            ad, as_of, scores or {}, sorted({h.entry.list for h in term_hits}), sorted({h.list for h in host_hits})
        )
        live = self._free.evaluate(situation)
        if term_hits or host_hits:
            live |= dict.fromkeys(self._unconditional, "")
            if not self._bound_lists.isdisjoint((*situation.term_hits, *situation.host_hits)):
                live |= self._bound.evaluate(situation)
        results = (self._apply(index, live[index], ad, term_hits, host_hits) for index in sorted(live))
        return [result for result in results if result]

    def _apply(
        self, index: int, failure: str, ad: AdView, term_hits: list[TermHit], host_hits: list[HostHit]
    ) -> RuleResult | None:
        rule = self._rules[index]
        if rule.match is None:
            result = RuleResult(rule.id, rule.policy, rule.action, " && ".join(rule.when))
        elif (matched := self._match(index, rule.match, ad, term_hits, host_hits)) is None:
            return None
        else:
            result = matched
        return result._replace(outcome=Outcome.REVIEW, failure=failure) if failure else result

    def _match(
        self, index: int, match: Match, ad: AdView, term_hits: list[TermHit], host_hits: list[HostHit]
    ) -> RuleResult | None:
        rule = self._rules[index]
        fields = self._fields[index]
        found: list[tuple[Evidence, bool]] = []
        for hit in term_hits:
            if hit.entry.list in match.terms and hit.view in match.views:
                place = hit.locate(ad.views)
                if place.field in fields:
                    matched = f"terms/{hit.entry.list}: {hit.entry.text}"
                    found.append((_show(place, hit.view, matched), hit.view is View.SQUEEZED))
        for host_hit in host_hits:
            if host_hit.list in match.hosts and host_hit.place.field in fields:
                matched = f"hosts/{host_hit.list}: {host_hit.entry}"
                found.append((_show(host_hit.place, View.BASE, matched), False))
        if not found:
            return None
        evasion = all(disguised for _, disguised in found)
        action = rule.evasion_action if evasion and rule.evasion_action else rule.action
        # Plain spellings first: they are what a reviewer should see when there are more hits than room.
        evidence = tuple(shown for shown, _ in sorted(found, key=lambda pair: pair[1])[:MAX_EVIDENCE])
        detail = "found only in disguised spelling" if evasion else ""
        return RuleResult(rule.id, rule.policy, action, detail, evidence)


def _show(place: tuple[str, int, int, str], view: View, matched: str) -> Evidence:
    field, start, end, text = place
    return Evidence(
        field=field, start=start, end=end, excerpt=text[:MAX_EXCERPT_CHARS], view=view, matched=matched[:256]
    )


def _paths(match: Match | None) -> frozenset[str]:
    if match is None or match.fields is None:
        return _ALL_TEXTS | frozenset(_URL_FIELDS.values())
    paths: set[str] = set()
    for name in match.fields:
        paths |= _ALL_TEXTS if name == "texts" else {_URL_FIELDS.get(name, "creative." + name)}
    return frozenset(paths)
