"""Which rules' conditions can hold on an ad: told by the facts that take few values, and remembered.

Most ads are like others in their market, their account's standing and what is odd about their address. So conditions
that ask about nothing else are evaluated once for each set of such values, and an ad pays for a look-up; what is left
to evaluate are the conditions on attributes, ages, hosts and scores of rules that the others do not rule out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from service.rules.conditions import CompiledConditions
from service.rules.facts import FACTS, Situation
from service.strategy.entries import join_conditions

Compiled = dict[tuple[str, ...], CompiledConditions]
"""Lists of conditions by their texts."""

MANY_VALUED = frozenset({"ad.attributes", "advertiser.age_days", "landing.host", "landing.domain", "scores"})
"""Facts of which hardly two ads have the same."""

_VERDICTS_REMEMBERED = 1_024
_LISTS_REMEMBERED = 1_024


class Asked(NamedTuple):
    """What a rule asks: its conditions, those of them that mention facts of few values only, its match's lists."""

    when: tuple[str, ...]
    few: tuple[str, ...]
    lists: frozenset[str] | None

    @classmethod
    def of_rule(cls, when: tuple[str, ...], lists: Iterable[str] | None) -> "Asked":
        """Return what a rule asks; `lists` is None for a rule without a match."""
        few = tuple(text for text in when if not any(name in text for name in MANY_VALUED))
        return cls(when, few, None if lists is None else frozenset(lists))

    @property
    def rest(self) -> tuple[str, ...]:
        """The other conditions."""
        return tuple(text for text in self.when if text not in self.few)


class Verdict(NamedTuple):
    """Rules by index: those whose conditions hold, and those that depend on `conditions`, one each."""

    settled: tuple[int, ...]
    open: tuple[int, ...]
    conditions: CompiledConditions | None


class Conditions:
    """The compiled conditions of a bundle. Each list is compiled when it is first asked for; equal ones are shared."""

    def __init__(self, texts: Iterable[str], known: Mapping[tuple[str, ...], CompiledConditions]) -> None:
        """Take the texts of all conditions, and lists of a bundle in memory, of which those that can serve are kept."""
        ours = {(text,) for text in texts}
        self.compiled: Compiled = {key: found for key, found in known.items() if key in ours}

    def compile(self, texts: tuple[str, ...]) -> CompiledConditions:
        """Return a list of conditions."""
        found = self.compiled.get(texts)
        if found is None:
            if len(self.compiled) >= _LISTS_REMEMBERED:
                self.compiled.clear()
            found = self.compiled[texts] = CompiledConditions(texts)
        return found


class Gate:
    """Tells of the rules of one layering which can fire. Remembers, but an answer depends on its question alone."""

    def __init__(self, rules: Sequence[Asked], conditions: Conditions) -> None:
        self._rules = rules
        self._conditions = conditions
        mentioned = "\n".join({text for rule in rules for text in rule.few})
        # The hits are in every question; the other facts are read where a condition mentions them.
        self._reads = [
            fact.read
            for name, fact in FACTS.items()
            if name in mentioned and name not in MANY_VALUED and not name.endswith("_hits")
        ]
        self._known: dict[tuple[object, ...], Verdict] = {}

    def judge(self, situation: Situation) -> Verdict:
        """Return which rules can fire on an ad; a rule whose match cannot hit is not among them."""
        key = (*_name_hits(situation), *[read(situation) for read in self._reads])
        verdict = self._known.get(key)
        if verdict is None:
            if len(self._known) >= _VERDICTS_REMEMBERED:
                self._known.clear()
            verdict = self._known[key] = self._learn(situation)
        return verdict

    def _learn(self, situation: Situation) -> Verdict:
        hit = {name for names in _name_hits(situation) for name in names}
        truths: dict[str, bool | None] = {}
        settled: list[int] = []
        open_: dict[int, str] = {}
        for index, rule in enumerate(self._rules):
            if rule.lists is not None and rule.lists.isdisjoint(hit):
                continue
            held = [self._ask(text, situation, truths) for text in rule.few]
            if any(truth is False for truth in held):
                continue
            # One that failed may still be outvoted by another: then all are asked again, together.
            if texts := rule.rest if all(held) else rule.when:
                open_[index] = texts[0] if len(texts) == 1 else join_conditions(texts)
            else:
                settled.append(index)
        conditions = self._conditions.compile(tuple(open_.values())) if open_ else None
        return Verdict(tuple(settled), tuple(open_), conditions)

    def _ask(self, text: str, situation: Situation, truths: dict[str, bool | None]) -> bool | None:
        if text not in truths:
            truths[text] = self._conditions.compile((text,)).evaluate(situation)[0]
        return truths[text]


def _name_hits(at: Situation) -> tuple[tuple[str, ...], ...]:
    return tuple(at.term_hits), tuple(at.regex_hits), tuple(at.host_hits), tuple(at.advertiser_hits)
