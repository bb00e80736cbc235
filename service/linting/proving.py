"""Proves what conditions can and cannot do, by evaluating them in CEL on one point of each combination of cells.

What is not understood, or has too many combinations, proves nothing: the answer is then that all is possible.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from service.linting.cells import Limits, list_points, to_facts
from service.linting.conjuncts import Conjunct
from service.rules.conditions import CompiledConditions, FactSheet

_ONE = (0,)


def split_components(conjuncts: Iterable[Conjunct]) -> list[list[Conjunct]]:
    """Return the readable conjuncts in groups that share no variable: each group can hold or not for itself."""
    groups: list[tuple[set[str], list[Conjunct]]] = []
    for conjunct in conjuncts:
        if conjunct.uses is None:
            continue
        names = set(conjunct.uses.literals)
        touched = [group for group in groups if group[0] & names]
        groups = [group for group in groups if not group[0] & names]
        members = [member for group in touched for member in group[1]]
        groups.append((names.union(*(group[0] for group in touched)), [*members, conjunct]))
    return [sorted(members, key=lambda part: (part.entry, part.at)) for _, members in groups]


def can_hold(conjuncts: Sequence[Conjunct], limits: Limits) -> bool:
    """Tell whether some ad could meet all conjuncts; True also where it cannot be told."""
    truths = _evaluate(conjuncts, limits)
    return truths is None or True in truths


def always_holds(conjuncts: Sequence[Conjunct], limits: Limits) -> bool:
    """Tell whether it is proven that every ad within the limits meets all conjuncts."""
    truths = _evaluate(conjuncts, limits)
    return bool(truths) and truths is not None and all(truths)


def implies(premise: Sequence[Conjunct], conclusion: Sequence[Conjunct], limits: Limits) -> bool:
    """Tell whether it is proven that every ad that meets the premise meets the conclusion."""
    said = {part.text for part in premise}
    left = [part for part in conclusion if part.text not in said]
    if not left:
        return True
    if any(part.uses is None for part in left):
        return False
    # What the premise says of other variables cannot help, and what cannot be read is left out: that only weakens it.
    wanted = {name for part in left if part.uses for name in part.uses.literals}
    useful = [part for part in premise if part.uses and wanted & set(part.uses.literals)]
    known = {name for part in useful if part.uses for name in part.uses.literals}
    if not wanted <= known | set(limits.values):
        return False  # a variable of which nothing is known may be anything
    both = [*useful, *left]
    points = list_points([part.uses for part in both if part.uses], limits)
    if points is None:
        return False
    first, second = _compile(_join(useful)), _compile(_join(left))
    for point in points:
        sheet = FactSheet.of_values(to_facts(point))
        if first.evaluate_on(sheet, _ONE) == [True] and second.evaluate_on(sheet, _ONE) != [True]:
            return False
    return True


def _evaluate(conjuncts: Sequence[Conjunct], limits: Limits) -> list[bool | None] | None:
    """Return the conjuncts' common truth at each point, None for one where they fail; None if it cannot be told."""
    uses = [part.uses for part in conjuncts if part.uses]
    points = list_points(uses, limits) if len(uses) == len(conjuncts) else None
    if points is None:
        return None
    conditions = _compile(_join(conjuncts))
    return [conditions.evaluate_on(FactSheet.of_values(to_facts(point)), _ONE)[0] for point in points]


def _join(conjuncts: Sequence[Conjunct]) -> str:
    return " && ".join(f"({part.text}\n)" for part in conjuncts) or "true"


@lru_cache(maxsize=1_024)
def _compile(text: str) -> CompiledConditions:
    return CompiledConditions([text])
