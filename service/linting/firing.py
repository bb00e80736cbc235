"""Finds rules that can never fire or always do, and conditions that say nothing; only what is proven is told."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from service.linting.cells import ANYTHING, Limits, Value
from service.linting.conjuncts import Conjunct, read_conjuncts
from service.linting.proving import always_holds, can_hold, split_components
from service.linting.report import Findings
from service.strategy import Problem
from service.strategy.layers import Layer, RuleSource
from service.strategy.rule_schema import Match
from service.strategy.schema import ANY, BundleFile
from service.strategy.scoping import DIMENSIONS

_HITS = {"terms": "term_hits", "regexes": "regex_hits", "hosts": "host_hits", "advertisers": "advertiser_hits"}
_QUOTED_CHARS = 60


def find_idle_conditions(layers: Iterable[Layer], shared: BundleFile) -> Findings:
    """Return a finding for each condition, or set of them, that no ad or every ad of the strategy's scope meets."""
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for layer in layers:
        for source in layer.rules:
            if not source.entry.enabled or not source.entry.when:
                continue
            limits = _limit(layer, source, shared)
            conjuncts = read_conjuncts(source.entry.when)
            if never := [*_find_never(source, conjuncts, limits, _name_scope(layer))]:
                errors += never
            elif always := _find_always(source, conjuncts, limits):
                errors.append(always)
            else:
                warnings += _find_empty(source, conjuncts, limits)
    return Findings(tuple(errors), tuple(warnings))


def _limit(layer: Layer, source: RuleSource, shared: BundleFile) -> Limits:
    """Return what is known of ads on which the rule is asked: closed names, the scope, and what its match implies."""
    values: dict[str, Sequence[Value]] = {**limit_to_known(shared).values, **limit_to_match(source.entry.match).values}
    # A rule of an included file is shared, and need not fit each strategy that includes it.
    if source.document is layer.document:
        for name in DIMENSIONS:
            scope = getattr(layer.strategy.scope, name)
            if ANY not in scope:
                values[f"ad.{name}"] = scope
    return Limits(values)


def limit_to_known(shared: BundleFile) -> Limits:
    """Return the verticals and products that exist, where the bundle says so."""
    known = (("ad.vertical", shared.verticals), ("ad.product", shared.products))
    return Limits({name: values for name, values in known if values})


def limit_to_match(match: Match | None) -> Limits:
    """Return what a rule's match implies for its conditions: where it names one list, that one has hit."""
    if match is None or len(match.lists) != 1:
        return Limits({})
    return Limits(
        {f"{hits}#{name}": (True,) for kind, hits in _HITS.items() for name in getattr(match, kind)},
    )


def _name_scope(layer: Layer) -> str:
    parts = [(name, getattr(layer.strategy.scope, name)) for name in DIMENSIONS]
    return ", ".join(f"{name}: {' or '.join(values)}" for name, values in parts if ANY not in values)


def _find_never(source: RuleSource, conjuncts: Sequence[Conjunct], limits: Limits, scope: str) -> Iterator[Problem]:
    for group in split_components(conjuncts):
        if can_hold(group, limits):
            continue
        start = f"rule '{source.entry.id}' can never fire: "
        culprits = _find_culprits(group, limits)
        quoted = " and ".join(map(_quote, culprits))
        if len(culprits) > 1:
            what, remedy = f"{quoted} contradict each other", "remove one, or join them with '||'"
        elif can_hold(culprits, ANYTHING) and scope and not can_hold(culprits, _only_scope(limits)):
            what, remedy = f"{quoted} contradicts the scope ({scope})", "widen the scope, or change the condition"
        else:
            what, remedy = f"no ad meets {quoted}", "compare with a value that occurs; see the list of variables"
        yield _place(source, culprits[-1], start + what, remedy)


def _only_scope(limits: Limits) -> Limits:
    return Limits({name: values for name, values in limits.values.items() if name.startswith("ad.")})


def _find_culprits(group: Sequence[Conjunct], limits: Limits) -> Sequence[Conjunct]:
    """Return the fewest conjuncts that cannot hold together, as far as one or two explain it."""
    for size in (1, 2):
        for some in combinations(group, size):
            if not can_hold(some, limits):
                return some
    return group


def _find_always(source: RuleSource, conjuncts: Sequence[Conjunct], limits: Limits) -> Problem | None:
    entry = source.entry
    whole = entry.action is not None and entry.policy is not None
    if not whole or entry.match is not None or any(part.uses is None for part in conjuncts):
        return None
    if not all(always_holds(group, limits) for group in split_components(conjuncts)):
        return None
    what = f"rule '{entry.id}' always fires: every ad meets {' and '.join(map(_quote, conjuncts))}"
    return _place(source, conjuncts[0], what, "change the condition, or match a list")


def _find_empty(source: RuleSource, conjuncts: Sequence[Conjunct], limits: Limits) -> Iterator[Problem]:
    for part in conjuncts:
        if part.uses is not None and always_holds([part], limits):
            what = f"rule '{source.entry.id}': every ad here meets {_quote(part)}"
            yield _place(source, part, what, "remove the condition, or mend it")


def _place(source: RuleSource, part: Conjunct, what: str, remedy: str) -> Problem:
    # Counted in the text as CEL sees it, which a block in YAML may have folded.
    before = source.entry.when[part.entry][: part.at]
    line, column = before.count("\n") + 1, part.at - (before.rfind("\n") + 1) + 1
    where = source.document.where_inside((*source.path, "when", part.entry), line, column)
    return Problem(*where, what, remedy)


def _quote(part: Conjunct) -> str:
    text = " ".join(part.text.split())
    return f"`{text if len(text) <= _QUOTED_CHARS else text[: _QUOTED_CHARS - 1] + '…'}`"
