"""Conditions of rules in CEL (the Common Expression Language), behind an interface of our own.

All conditions of a strategy are compiled as one list, which costs a third of evaluating them apart. The engine returns
most run-time errors as values, and one error spoils a whole list: then each condition is evaluated alone, and one that
still fails is `None`, which the caller must make visible. Only this module knows the library (ADR 0002).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from cel_expr_python import cel

from service.rules.condition_errors import ConditionError, explain_error
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
_MATCHES = re.compile(r"\.\s*matches\s*\(")
_BUDGET = "Iteration budget exceeded"
_ENVIRONMENT = cel.NewEnv(variables={name: _TYPES[fact.type] for name, fact in FACTS.items()})


def compile_condition(text: str) -> None:
    """Raise `ConditionError` where `text` is no condition: it must compile, be BOOL, and not use matches()."""
    if hit := _MATCHES.search(text):
        line = text.count("\n", 0, hit.start()) + 1
        column = hit.start() - text.rfind("\n", 0, hit.start())
        remedy = "put patterns on a list instead; it is slow here"
        raise ConditionError("matches() is not allowed", remedy, line, column)
    try:
        expression = _ENVIRONMENT.compile(text)
    except (RuntimeError, ValueError, TypeError) as error:
        place = _PLACE.search(str(error))
        line, column, message = (int(place[1]), int(place[2]), place[3]) if place else (1, 1, str(error))
        raise ConditionError(*explain_error(message, FACTS), line=line, column=column) from None
    if expression.return_type() != cel.Type.BOOL:
        name = str(expression.return_type().name()).lower()
        raise ConditionError(f"the condition gives a {name}, not true or false", "compare it with something")


class FactSheet:
    """The values of some variables on one ad, made ready for the engine once; several lists may be asked about them."""

    def __init__(self, names: Iterable[str], situation: Situation) -> None:
        self.activation = _ENVIRONMENT.Activation({name: FACTS[name].read(situation) for name in names})

    @classmethod
    def of_values(cls, values: Mapping[str, object]) -> Self:
        """Return a sheet of facts that are given by name, not read off an ad: `linting` tries values on conditions."""
        sheet = cls.__new__(cls)
        sheet.activation = _ENVIRONMENT.Activation(values)
        return sheet


class CompiledConditions:
    """Conditions, compiled together; evaluation never raises and does not depend on what was evaluated before."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Take texts that passed `compile_condition`."""
        self.texts = tuple(texts)
        # Parentheses keep each text an expression of its own; the line's end ends a comment that stands behind it.
        self._together = _ENVIRONMENT.compile("[" + ",".join(f"({text}\n)" for text in texts) + "]")
        self._apart: dict[int, Any] = {}
        mentioned = "\n".join(texts)
        self.facts = tuple(name for name in FACTS if name in mentioned)

    def evaluate(self, situation: Situation) -> list[bool | None]:
        """Return each condition's value in order; None for one that failed on this ad (`explain_failure` says why)."""
        return self.evaluate_on(FactSheet(self.facts, situation), range(len(self.texts))) if self.texts else []

    def evaluate_on(self, sheet: FactSheet, wanted: Iterable[int]) -> list[bool | None]:
        """Return the same from a sheet that holds at least `facts`, for the conditions at the wanted places."""
        together = _evaluate(self._together, sheet)
        if isinstance(together, list):
            return [together[index] for index in wanted]
        values = (_evaluate(self._compile_alone(index), sheet) for index in wanted)
        return [value if isinstance(value, bool) else None for value in values]

    def explain_failure(self, index: int, situation: Situation) -> str:
        """Return why the condition at `index` failed on this ad, for staff."""
        value = _evaluate(self._compile_alone(index), FactSheet(self.facts, situation))
        return value if isinstance(value, str) else "gave no truth value"

    def _compile_alone(self, index: int) -> Any:  # noqa: ANN401 - the library is untyped
        # Only a failure on an ad needs it; compiled ahead, it would double what a bundle takes.
        if index not in self._apart:
            self._apart[index] = _ENVIRONMENT.compile(self.texts[index])
        return self._apart[index]


def ran_out(failure: str) -> bool:
    """Tell whether a failure is the engine's budget for loops, which no ad can help."""
    return _BUDGET in failure


def _evaluate(expression: Any, sheet: FactSheet) -> bool | list[bool] | str:  # noqa: ANN401 - the library is untyped
    """Return the value; a text is an error's message. An error's own value is a truthy string, so ask the type."""
    try:
        result = expression.eval(activation=sheet.activation)
        if result.type() == cel.Type.ERROR:
            return str(result.value())
        value = result.plain_value()
    except (RuntimeError, ValueError, TypeError, OverflowError, UnicodeError) as error:
        return str(error)
    return value if isinstance(value, bool | list) else "gave no truth value"
