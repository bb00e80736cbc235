"""Conditions of rules in CEL (the Common Expression Language), behind an interface of our own.

All conditions of a scope are compiled as one list, which costs a third of evaluating them apart. The engine returns
most run-time errors as values, and one error spoils a whole list: then each condition is evaluated alone, and one that
still fails is `None`, which the caller must make visible. Only this module knows the library (ADR 0002).
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from cel_expr_python import cel

from service.rules.facts import FACTS, Situation

_TYPES = {
    "string": cel.Type.STRING,
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "map(string, dyn)": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "map(string, double)": cel.Type.Map(cel.Type.STRING, cel.Type.DOUBLE),
    "list(string)": cel.Type.List(cel.Type.STRING),
}
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"no matching overload for '([^']*)' applied to '\(([^)]*)\)'")
_MATCHES = re.compile(r"\.\s*matches\s*\(")
_FUNCTIONS = (
    "size", "startsWith", "endsWith", "contains", "has", "all", "exists", "exists_one", "filter", "map", "int",
    "double", "string", "bool", "duration", "timestamp", "type",
)  # fmt: skip
_ENVIRONMENT = cel.NewEnv(variables={name: _TYPES[fact.type] for name, fact in FACTS.items()})


class ConditionError(ValueError):
    """A condition cannot be compiled. `line` and `column` count from 1 inside its text."""

    def __init__(self, what: str, remedy: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy, self.line, self.column = what, remedy, line, column


def _explain(text: str) -> tuple[str, str]:
    if hit := _UNDECLARED.search(text):
        name = hit[1]
        near = get_close_matches(name, [*FACTS, *_FUNCTIONS], n=1, cutoff=0.6)
        remedy = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(FACTS)}"
        return f"'{name}' is not a variable or function of conditions", remedy
    if hit := _OVERLOAD.search(text):
        types = hit[2].split(", ")
        what = f"'{hit[1].strip('_')}' does not work on {' and '.join(types)}"
        if {"int", "double"} <= set(types):
            return what, "write the number with a point, such as 7.0, where the other side is a double"
        return what, "compare values of one type"
    return text.replace("Syntax error: ", "syntax error: ")[:160], "see the examples in deploy/strategies/default.yaml"


def compile_condition(text: str) -> None:
    """Raise `ConditionError` where `text` is no condition: it must compile, be BOOL, and not use matches()."""
    if hit := _MATCHES.search(text):
        line = text.count("\n", 0, hit.start()) + 1
        column = hit.start() - text.rfind("\n", 0, hit.start())
        raise ConditionError(
            "matches() is not allowed", "put patterns on a list instead; it is slow here", line, column
        )
    try:
        expression = _ENVIRONMENT.compile(text)
    except (RuntimeError, ValueError, TypeError) as error:
        place = _PLACE.search(str(error))
        line, column, message = (int(place[1]), int(place[2]), place[3]) if place else (1, 1, str(error))
        raise ConditionError(*_explain(message), line=line, column=column) from None
    if expression.return_type() != cel.Type.BOOL:
        name = str(expression.return_type().name()).lower()
        raise ConditionError(f"the condition gives a {name}, not true or false", "compare it with something")


class CompiledConditions:
    """Conditions, compiled together; evaluation never raises and does not depend on what was evaluated before."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Take texts that passed `compile_condition`."""
        self.texts = tuple(texts)
        # Parentheses keep each text an expression of its own; the line's end ends a comment that stands behind it.
        self._together = _ENVIRONMENT.compile("[" + ",".join(f"({text}\n)" for text in texts) + "]")
        self._apart = [_ENVIRONMENT.compile(text) for text in texts]
        mentioned = "\n".join(texts)
        self._facts = [(name, fact.read) for name, fact in FACTS.items() if name in mentioned]

    def evaluate(self, situation: Situation) -> list[bool | None]:
        """Return each condition's value in order; None for one that failed on this ad (`explain_failure` says why)."""
        if not self.texts:
            return []
        data = {name: read(situation) for name, read in self._facts}
        together = _evaluate(self._together, data)
        if isinstance(together, list):
            return [*together]
        values = [_evaluate(expression, data) for expression in self._apart]
        return [value if isinstance(value, bool) else None for value in values]

    def explain_failure(self, index: int, situation: Situation) -> str:
        """Return why the condition at `index` failed on this ad, for staff."""
        data = {name: read(situation) for name, read in self._facts}
        value = _evaluate(self._apart[index], data)
        return value if isinstance(value, str) else "gave no truth value"


def _evaluate(expression: Any, data: dict[str, Any]) -> bool | list[bool] | str:  # noqa: ANN401 - the library is untyped
    """Return the value; a text is an error's message. An error's own value is a truthy string, so ask the type."""
    try:
        result = expression.eval(data=data)
        if result.type() == cel.Type.ERROR:
            return str(result.value())
        value = result.plain_value()
    except (RuntimeError, ValueError, TypeError, OverflowError, UnicodeError) as error:
        return str(error)
    return value if isinstance(value, bool | list) else "gave no truth value"
