"""Checks what a bundle's files say about each other, and that every condition can work; all problems in one run."""

from collections.abc import Iterable, Iterator, Sequence

from service.strategy.entries import check_entry
from service.strategy.files import SHARED_FILE
from service.strategy.layers import Layer
from service.strategy.lists import Lists
from service.strategy.problems import Problem, suggest
from service.strategy.schema import BundleFile
from service.strategy.scoping import DIMENSIONS, find_ties, is_any, is_default


def check_layers(shared: BundleFile, layers: Sequence[Layer], lists: Lists) -> Iterator[Problem]:
    """Yield every problem of meaning in what is written: unknown names, conditions that do not compile, ties."""
    scored = frozenset(policy for layer in layers for policy in layer.strategy.thresholds)
    seen: dict[str, Layer] = {}
    checked: set[tuple[str, tuple[str | int, ...]]] = set()
    for layer in layers:
        if layer.id in seen:
            what = f"strategy id '{layer.id}' is already used in {seen[layer.id].document.file}"
            yield layer.document.problem(("id",), what, "give each strategy its own id")
        seen.setdefault(layer.id, layer)
        yield from _check_scope(layer, shared)
        yield from _check_policies(layer, shared)
        yield from _check_rule_ids(layer)
        for source in layer.rules:
            place = source.document.file, source.path
            if place not in checked:  # a file that several strategies include has its mistakes once
                checked.add(place)
                yield from check_entry(source, shared, lists, scored)
    yield from _check_ties({name: layer for name, layer in seen.items() if layer.whole})


def check_default(layers: Iterable[Layer]) -> Iterator[Problem]:
    """Yield the problem that some ad would have no strategy."""
    if not any(is_default(layer.strategy) for layer in layers):
        remedy = "add a strategy whose scope is any in all three dimensions, without 'effective'"
        yield Problem("bundle", 1, 1, "no strategy covers every ad", remedy)


def _check_scope(layer: Layer, shared: BundleFile) -> Iterator[Problem]:
    closed = {"vertical": shared.verticals, "product": shared.products}
    for name in DIMENSIONS:
        values = getattr(layer.strategy.scope, name)
        if is_any(values):
            if len(values) > 1:
                what = f"scope.{name} says 'any' beside other values"
                yield layer.document.problem(("scope", name), what, "write 'any' alone, or the values alone")
        elif known := closed.get(name):
            for index, value in enumerate(values):
                if value not in known:
                    what = f"unknown {name} '{value}'"
                    remedy = f"{suggest(value, known)} {SHARED_FILE} lists all {name}s"
                    yield layer.document.problem(("scope", name, index), what, remedy)


def _check_policies(layer: Layer, shared: BundleFile) -> Iterator[Problem]:
    for part, named in (("thresholds", layer.strategy.thresholds), ("policies", layer.strategy.policies)):
        for policy in named:
            if policy not in shared.policies:
                what = f"unknown policy '{policy}'"
                remedy = suggest(policy, shared.policies)
                yield layer.document.problem((part, policy), what, remedy, of_key=True)


def _check_rule_ids(layer: Layer) -> Iterator[Problem]:
    seen: dict[str, tuple[str, int]] = {}
    for source in layer.rules:
        name, number = source.entry.id, int(source.path[-1]) + 1
        if name in seen:
            file, first = seen[name]
            place = "" if file == source.document.file else f" of {file}"
            what = f"rule id '{name}' is already used by rule {first}{place}"
            yield source.problem(("id",), what, "give each rule its own id")
        seen.setdefault(name, (source.document.file, number))


def _check_ties(by_id: dict[str, Layer]) -> Iterator[Problem]:
    for first, second in find_ties({name: layer.strategy for name, layer in by_id.items()}):
        timed = " at the same time" if by_id[first].strategy.effective != by_id[second].strategy.effective else ""
        yield by_id[second].document.problem(
            ("scope",),
            f"the scopes of '{first}' and '{second}' are equally specific and share ads{timed}",
            "narrow one of them, so that one strategy applies",
            of_key=True,
        )
