"""Cuts a condition into tokens, and at the `&&` that bind it least: `literals` reads the parts."""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|(?P<text>"[^"\\\n]*"|'[^'\\\n]*')|(?P<number>\d+\.\d+(?:[eE][+-]?\d+)?|\d+)
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\],-])""",
    re.VERBOSE,
)


class UnreadableError(ValueError):
    """The condition says something of which no cells can be told."""


class Token(NamedTuple):
    """A text, number, name or sign, and where it starts."""

    kind: str
    text: str
    start: int


def tokenise(text: str) -> list[Token]:
    """Return the tokens of a condition, without blanks and comments. Raises UnreadableError."""
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or text[at : at + 2] in {"r'", 'r"', "b'", 'b"'}:
            raise UnreadableError
        if match.lastgroup:
            tokens.append(Token(match.lastgroup, match[0], at))
        at = match.end()
    return tokens


def split_conjunction(tokens: list[Token]) -> list[list[Token]]:
    """Return the tokens between the outermost `&&`, or all of them where an outermost `||` binds them together."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in "([") - (token.text in ")]") if token.kind == "sign" else 0
        if depth == 0 and token.text == "||":
            return [tokens]
        if depth == 0 and token.text == "&&":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
