"""Reads what a condition compares each variable with, so that its cells can be told; `cells` makes values of them.

Only a part of CEL is understood: comparisons of a variable with a literal or another variable, `in`, `has()`, `type()`
and `double()` of an attribute, true-or-false variables, under `&&`, `||` and `!`. Whatever else a condition says makes
it unreadable, and nothing is claimed about it. Nothing is evaluated here: CEL itself does that, in `proving`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from service.linting.tokens import Token, UnreadableError
from service.rules.facts import FACTS

Literal = str | int | float | bool | None
ATTRIBUTES, SCORES = "ad.attributes.", "scores."

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_LISTS = frozenset(name for name, fact in FACTS.items() if fact.type == "list(string)")
_TYPES = frozenset({"string", "int", "double", "bool", "null_type"})
_CONSTANTS: dict[str, Literal] = {"true": True, "false": False, "null": None}


@dataclass
class Uses:
    """What one conjunct compares its variables with. `linked` are pairs of variables compared with each other.

    A variable is a fact's name, `ad.attributes.NAME`, `scores.NAME`, or `term_hits#LIST` for "does that list hit".
    """

    literals: dict[str, set[Literal]] = field(default_factory=dict)
    linked: list[tuple[str, str]] = field(default_factory=list)


class Reader:
    """Descends through one conjunct and collects its uses; raises UnreadableError on anything else."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.uses = Uses()

    def read_all(self) -> None:
        """Read the whole conjunct into `uses`. Raises UnreadableError."""
        self._read_or()
        if self._at != len(self._tokens):
            raise UnreadableError

    def _peek(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _take(self) -> Token:
        if self._at >= len(self._tokens):
            raise UnreadableError
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, text: str) -> None:
        if self._take().text != text:
            raise UnreadableError

    def _read_or(self) -> None:
        self._read_each("||", lambda: self._read_each("&&", self._read_unary))

    def _read_each(self, sign: str, read: Callable[[], None]) -> None:
        read()
        while self._peek() == sign:
            self._take()
            read()

    def _read_unary(self) -> None:
        if self._peek() == "!":
            self._take()
            self._read_unary()
        elif self._peek() == "(":
            self._take()
            self._read_or()
            self._expect(")")
        elif self._peek() == "has":
            self._take()
            self._expect("(")
            self._note(self._read_variable(), ())
            self._expect(")")
        elif self._peek() == "type":
            self._read_type()
        else:
            self._read_relation()

    def _read_type(self) -> None:
        self._take()
        self._note(self._read_argument(), ())
        sign = self._take().text
        if sign == "in":
            self._expect("[")
            while self._take().text in _TYPES:
                if self._take().text == "]":
                    return
            raise UnreadableError
        if sign not in {"==", "!="} or self._take().text not in _TYPES:
            raise UnreadableError

    def _read_argument(self) -> "_Variable":
        """Read `(ad.attributes.x)`: an attribute in brackets, behind the name of a function of one value."""
        self._expect("(")
        variable = self._read_variable()
        self._expect(")")
        if not variable.name.startswith(ATTRIBUTES):
            raise UnreadableError
        return variable

    def _read_relation(self) -> None:
        left = self._read_operand()
        sign = self._peek()
        if sign == "in":
            self._take()
            self._read_membership(left)
        elif sign in _COMPARISONS:
            self._compare(left, self._take().text, self._read_operand())
        elif isinstance(left, _Variable) and _is_bool(left.name):
            self._note(left, ())
        else:
            raise UnreadableError

    def _compare(self, left: "_Variable | _Value", sign: str, right: "_Variable | _Value") -> None:
        if isinstance(left, _Value):
            left, right = right, left
        ordered = sign not in {"==", "!="}
        if isinstance(left, _Value):
            raise UnreadableError
        if isinstance(right, _Value):
            if ordered and isinstance(right.value, str):
                raise UnreadableError  # the order of texts cuts cells that `cells` does not know
            self._note(left, (right.value,))
        elif ordered:
            raise UnreadableError
        else:
            self._note(left, ())
            self._note(right, ())
            self.uses.linked.append((left.name, right.name))

    def _read_membership(self, left: "_Variable | _Value") -> None:
        if self._peek() == "[":
            if isinstance(left, _Value):
                raise UnreadableError
            self._note(left, self._read_list())
            return
        name = self._take().text
        if isinstance(left, _Variable) or not isinstance(left.value, str):
            raise UnreadableError
        if name in _LISTS:
            self.uses.literals.setdefault(f"{name}#{left.value}", set())
        elif name in {"scores", "ad.attributes"}:
            self.uses.literals.setdefault(f"{name}.{left.value}", set())
        else:
            raise UnreadableError

    def _read_list(self) -> list[Literal]:
        self._expect("[")
        values: list[Literal] = []
        while self._peek() != "]":
            value = self._read_operand()
            if not isinstance(value, _Value):
                raise UnreadableError
            values.append(value.value)
            if self._peek() == ",":
                self._take()
        self._expect("]")
        return values

    def _read_operand(self) -> "_Variable | _Value":
        token = self._tokens[self._at] if self._at < len(self._tokens) else Token("", "", 0)
        if token.kind == "text":
            self._take()
            return _Value(token.text[1:-1])
        if token.kind == "number" or token.text == "-":
            return _Value(self._read_number())
        if token.text in _CONSTANTS:
            self._take()
            return _Value(_CONSTANTS[token.text])
        if token.text == "double":
            self._take()
            return self._read_argument()
        return self._read_variable()

    def _read_number(self) -> int | float:
        sign = -1 if self._peek() == "-" else 1
        if sign < 0:
            self._take()
        token = self._take()
        if token.kind != "number":
            raise UnreadableError
        return sign * (float(token.text) if "." in token.text else int(token.text))

    def _read_variable(self) -> "_Variable":
        token = self._take()
        if token.kind != "name":
            raise UnreadableError
        name = token.text
        if name in {"scores", "ad.attributes"} and self._peek() == "[":
            self._take()
            key = self._take()
            self._expect("]")
            if key.kind != "text":
                raise UnreadableError
            return _Variable(f"{name}.{key.text[1:-1]}")
        known = name in FACTS and FACTS[name].type in {"string", "bool", "int", "double"}
        if self._peek() in {"(", "["} or not (known or _is_inside_map(name)):
            raise UnreadableError
        return _Variable(name)

    def _note(self, variable: "_Variable", literals: Iterable[Literal]) -> None:
        self.uses.literals.setdefault(variable.name, set()).update(literals)


class _Variable(NamedTuple):
    name: str


class _Value(NamedTuple):
    value: Literal


def _is_inside_map(name: str) -> bool:
    return any(name.startswith(start) and "." not in name[len(start) :] for start in (ATTRIBUTES, SCORES))


def _is_bool(name: str) -> bool:
    return name.startswith(ATTRIBUTES) or (name in FACTS and FACTS[name].type == "bool")
