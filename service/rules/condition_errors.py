"""Says what is wrong with a condition in the words of those who write conditions, and what was probably meant."""

import re
from collections.abc import Collection
from difflib import get_close_matches

_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"no matching overload for '([^']*)' applied to '\(([^)]*)\)'")
_FUNCTIONS = (
    "size", "startsWith", "endsWith", "contains", "has", "all", "exists", "exists_one", "filter", "map", "int",
    "double", "string", "bool", "duration", "timestamp", "type",
)  # fmt: skip
# What people write who know SQL, Python or YAML, in the engine's own complaints.
_HABITS = (
    (re.compile(r"input 'and'"), "write '&&' for 'and'"),
    (re.compile(r"input 'or'"), "write '||' for 'or'"),
    (re.compile(r"token recognition error at: '= ?'"), "write '==' to compare"),
    (re.compile(r"token recognition error at: '[\"']"), "close the text with a second quotation mark"),
    (re.compile(r"token recognition error at: '&"), "write '&&' for 'and'"),
    (re.compile(r"token recognition error at: '\|"), "write '||' for 'or'"),
    (re.compile(r"input '<EOF>'"), "something is missing at the end: a value or a closing bracket"),
)
_WORDS = {"and": "&&", "or": "||", "not": "!", "True": "true", "False": "false", "None": "null", "nil": "null"}
_LONGEST_LIST = 12


class ConditionError(ValueError):
    """A condition cannot be compiled. `line` and `column` count from 1 inside its text."""

    def __init__(self, what: str, remedy: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy, self.line, self.column = what, remedy, line, column


def explain_error(message: str, variables: Collection[str]) -> tuple[str, str]:
    """Return what is wrong and the remedy for one message of the engine."""
    if hit := _UNDECLARED.search(message):
        return f"'{hit[1]}' is not a variable or function of conditions", _suggest_name(hit[1], variables)
    if hit := _OVERLOAD.search(message):
        types = hit[2].split(", ")
        operator = hit[1].strip("_").removeprefix("@")
        return f"'{operator}' does not work on {' and '.join(types)}", _suggest_types(operator, types)
    text = message.replace("Syntax error: ", "syntax error: ").split(" expecting {")[0][:160]
    remedy = next((remedy for habit, remedy in _HABITS if habit.search(message)), None)
    return text, remedy or "see the examples in deploy/strategies/default.yaml"


def _suggest_name(name: str, variables: Collection[str]) -> str:
    if name in _WORDS:
        return f"write '{_WORDS[name]}'"
    family, _, field = name.rpartition(".")
    known = [variable for variable in variables if variable.startswith(family + ".")] if family else []
    # What a family's names have in common says nothing about which was meant.
    candidates = {variable.removeprefix(family + "."): variable for variable in known}
    near = get_close_matches(field, candidates or [*variables, *_FUNCTIONS], n=1, cutoff=0.6)
    if near:
        return f"did you mean '{candidates.get(near[0], near[0])}'?"
    if family == "ad":
        return f"known are {', '.join(known)}; a field of your own is ad.attributes.{field}"
    if not known:
        known = sorted({variable.split(".")[0] + (".*" if "." in variable else "") for variable in variables})
    return f"known are {', '.join(known[:_LONGEST_LIST])}"


def _suggest_types(operator: str, types: list[str]) -> str:
    if {"int", "double"} <= set(types):
        return "write the number with a point, such as 7.0, where the other side is a double"
    if "null_type" in types:
        return "it is never null: compare it with ''" if "string" in types else "it is never null; ask has() first"
    if operator == "in":
        return 'write a list such as ["DE", "FR"] on the right'
    return "compare values of one type"
