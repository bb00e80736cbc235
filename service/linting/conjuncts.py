"""Takes a rule's conditions apart into the parts that must all hold, each with what it compares variables with."""

from collections.abc import Iterable
from typing import NamedTuple

from service.linting.literals import Reader, Uses
from service.linting.tokens import Token, UnreadableError, split_conjunction, tokenise


class Conjunct(NamedTuple):
    """One of the parts of a rule's conditions that must all hold. `uses` is None where it cannot be read.

    `entry` counts the rule's `when` entries, `at` is the part's start inside that entry.
    """

    text: str
    entry: int
    at: int
    uses: Uses | None


def read_conjuncts(conditions: Iterable[str]) -> list[Conjunct]:
    """Return the parts of a rule's `when` that must all hold, those of `a && b` apart."""
    found = []
    for index, text in enumerate(conditions):
        try:
            tokens = tokenise(text)
        except UnreadableError:
            found.append(Conjunct(text, index, 0, None))
            continue
        found += [_read_part(text, index, part) for part in split_conjunction(tokens)]
    return found


def _read_part(text: str, index: int, tokens: list[Token]) -> Conjunct:
    start, end = tokens[0].start, tokens[-1].start + len(tokens[-1].text)
    reader = Reader(tokens)
    try:
        reader.read_all()
    except UnreadableError:
        return Conjunct(text[start:end], index, start, None)
    return Conjunct(text[start:end], index, start, reader.uses)
