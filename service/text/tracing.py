"""Edits: how a step changed a text, so that a span of its result can be led back to its source.

A step is a quick function from text to text. Only when a rule hits is the step asked for its edits as well.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

_ABOVE_BMP = 0x10000
# Up to so many different characters, replacing each in C is quicker than a pass over the text.
_FEW = 16


class Edit(NamedTuple):
    """Code points [start, end) of the source became `text`."""

    start: int
    end: int
    text: str


class Step(NamedTuple):
    """One change of a text: `apply` gives the result, `trace` the edits (sorted, apart) that lead to the same."""

    apply: Callable[[str], str]
    trace: Callable[[str], list[Edit]]


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """Return `text` with the edits made."""
    pieces: list[str] = []
    at = 0
    for edit in edits:
        pieces += text[at : edit.start], edit.text
        at = edit.end
    return "".join(pieces) + text[at:]


class Mapping:
    """Leads spans of a step's result back to its source."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        # Result offset at which each edit's text starts, and where it ends.
        self._edits = list(edits)
        self._starts: list[int] = []
        shift = 0
        for edit in self._edits:
            self._starts.append(edit.start + shift)
            shift += len(edit.text) - (edit.end - edit.start)

    def _source_of(self, position: int) -> tuple[int, int]:
        """Return the source's [start, end) of the result's one code point at `position`."""
        index = bisect_right(self._starts, position) - 1
        # Edits to '' share their start with what follows: the last one at or before `position` is the nearest.
        if index < 0:
            return position, position + 1
        edit = self._edits[index]
        beyond = position - self._starts[index] - len(edit.text)
        return (edit.start, edit.end) if beyond < 0 else (edit.end + beyond, edit.end + beyond + 1)

    def to_source(self, start: int, end: int) -> tuple[int, int]:
        """Return the source's span that the non-empty span [start, end) of the result came from."""
        return self._source_of(start)[0], self._source_of(end - 1)[1]


def substitute(pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> Step:
    """Return the step that replaces each match."""

    def trace(text: str) -> list[Edit]:
        return list(_match_edits(pattern, replace, text))

    return Step(lambda text: pattern.sub(replace, text), trace)


def _match_edits(pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str) -> Iterator[Edit]:
    for match in pattern.finditer(text):
        new = replace(match)
        if new != match[0]:
            yield Edit(match.start(), match.end(), new)


def translate(table: dict[int, str]) -> Step:
    """Return the step that replaces each character of the table."""
    # `re` looks a character up in constant time only below U+10000; above, one range stands for all.
    below = "".join(re.escape(chr(code)) for code in table if code < _ABOVE_BMP)
    above = "\U00010000-\U0010ffff" if max(table) >= _ABOVE_BMP else ""
    pattern = re.compile(f"[{below}{above}]")

    keys = frozenset(map(chr, table))
    # One after the other only works where no replacement is replaced again.
    apart = keys.isdisjoint("".join(table.values()))

    def apply(text: str) -> str:
        found = keys.intersection(pattern.findall(text))
        if not apart or len(found) > _FEW:
            return text.translate(table)
        for character in found:
            text = text.replace(character, table[ord(character)])
        return text

    def trace(text: str) -> list[Edit]:
        hits = ((m.start(), m[0]) for m in pattern.finditer(text))
        return [Edit(at, at + 1, table[ord(c)]) for at, c in hits if ord(c) in table]

    return Step(apply, trace)
