"""Which rules' conditions can hold on an ad: told by signs that many ads share, and remembered.

Most ads are like others in their market, their account's standing and what is odd about their address, and send few
attributes. So conditions are evaluated once for each set of such signs (`telling`), and an ad pays for a look-up; what
is left to evaluate are conditions on what an ad has to itself, of rules that the others do not rule out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from service.rules.conditions import CompiledConditions
from service.rules.facts import Situation
from service.strategy.entries import join_conditions
from service.strategy.telling import Signs, read_condition

Compiled = dict[tuple[str, ...], CompiledConditions]
"""Lists of conditions by their texts."""

_VERDICTS_REMEMBERED = 1_024
_LISTS_REMEMBERED = 1_024


class Asked(NamedTuple):
    """What a rule asks: its conditions, and its match's lists (None for a rule without a match)."""

    when: tuple[str, ...]
    lists: frozenset[str] | None


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
        self._signs = Signs(dict.fromkeys(text for rule in rules for text in rule.when))
        self._known: dict[tuple[object, ...], Verdict] = {}

    def judge(self, situation: Situation) -> Verdict:
        """Return which rules can fire on an ad; a rule whose match cannot hit is not among them."""
        hits = _name_hits(situation)
        key = (hits, self._signs.read(situation))
        verdict = self._known.get(key)
        if verdict is None:
            if len(self._known) >= _VERDICTS_REMEMBERED:
                self._known.clear()
            verdict = self._known[key] = self._learn(situation, {name for names in hits for name in names})
        return verdict

    def _learn(self, situation: Situation, hit: set[str]) -> Verdict:
        truths: dict[str, bool | None] = {}
        settled: list[int] = []
        open_: dict[int, str] = {}
        sent = self._signs.sent(situation)
        for index, rule in enumerate(self._rules):
            if rule.lists is not None and rule.lists.isdisjoint(hit):
                continue
            clear = [text for text in rule.when if _is_clear(text, sent)]
            held = [self._ask(text, situation, truths) for text in clear]
            if any(truth is False for truth in held):
                continue
            # One that failed may still be outvoted by another: then all are asked again, together.
            rest = tuple(text for text in rule.when if text not in clear) if all(held) else rule.when
            if rest:
                open_[index] = rest[0] if len(rest) == 1 else join_conditions(rest)
            else:
                settled.append(index)
        conditions = self._conditions.compile(tuple(open_.values())) if open_ else None
        return Verdict(tuple(settled), tuple(open_), conditions)

    def _ask(self, text: str, situation: Situation, truths: dict[str, bool | None]) -> bool | None:
        if text not in truths:
            truths[text] = self._conditions.compile((text,)).evaluate(situation)[0]
        return truths[text]


def _is_clear(text: str, sent: frozenset[str]) -> bool:
    """Tell whether a condition has one answer for all ads that share their signs, the attributes sent among them."""
    telling = read_condition(text)
    return not telling.opaque and telling.attributes.isdisjoint(sent)


def _name_hits(at: Situation) -> tuple[tuple[str, ...], ...]:
    return tuple(at.term_hits), tuple(at.regex_hits), tuple(at.host_hits), tuple(at.advertiser_hits)
