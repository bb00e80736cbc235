"""Three readings of an ad's texts for term lists, and the way back from a hit to the original's code points.

base: small letters, compatibility forms, nothing invisible; any language. latin: look-alikes and accents folded where
the text is Latin. squeezed: see `squeezing`. The fields are read as one text, parted by NUL: one pass serves all.
Spans are traced only when somebody asks (`locate`), that is on a hit.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from service.contracts.decision import View
from service.text.alone import fold_alone
from service.text.folding import BASE_STEPS, LATIN_STEPS, fold_base, fold_in_steps, fold_latin
from service.text.lazy import lazy
from service.text.squeezing import open_gates, squeeze, trace_squeeze
from service.text.tracing import Mapping, Step, apply_edits, substitute

_UNEVEN_SPACE = re.compile(r"\s{2,}|[^\S ]")
_ODD_SPACE = re.compile("[" + "".join(c for c in map(chr, range(0x10000)) if c.isspace() and c != " ") + "]")
_even = substitute(_UNEVEN_SPACE, lambda _: " ")


class Place(NamedTuple):
    """Code points [start, end) of the original `field`, and the text there."""

    field: str
    start: int
    end: int
    text: str


def fold_term(term: str) -> tuple[str, str]:
    """Return a list entry's base and Latin readings, trimmed."""
    base = _even.apply(fold_base(term.replace("\0", ""))).strip()
    return base, fold_latin(base)


class Views:
    """The readings of one ad's texts; `fields` are (path, text) pairs."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields = [pair for pair in fields if pair[1]]
        texts = [text for _, text in self._fields]
        original = "\0".join(texts)
        if original.count("\0") >= max(1, len(texts)):
            original = "\0".join([text.replace("\0", "\1") for text in texts])
        # NUL parts the fields; one inside a text becomes another control character, so that no offset moves.
        self.original = original

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the fields' texts as they came, without empty ones."""
        return tuple(text for _, text in self._fields)

    @lazy
    def _alone(self) -> str | None:
        return fold_alone(self.original)

    @lazy
    def base(self) -> str:
        """Return the base reading of all fields."""
        folded = fold_in_steps(self.original) if self._alone is None else self._alone
        return _UNEVEN_SPACE.sub(" ", folded) if "  " in folded or _ODD_SPACE.search(folded) else folded

    @property
    def folds_alone(self) -> bool:
        """Tell whether each character was folded by itself: then the fields could as well be joined by other spaces."""
        return self.base is self._alone

    @lazy
    def latin(self) -> str:
        """Return the Latin reading; the same object as `base` where nothing was folded."""
        return fold_latin(self.base)

    @lazy
    def squeezed(self) -> str | None:
        """Return the squeezed reading; None where there is nothing to squeeze."""
        return squeeze(self.latin, self.original, self.gates)

    @lazy
    def gates(self) -> frozenset[int]:
        """Return which steps of squeezing could change the Latin reading."""
        return open_gates(self.latin)

    # One view's way back is traced when a hit in it, or in a view made from it, asks: most hits are in the plainest.

    @lazy
    def _from_base(self) -> list[Mapping]:
        lengths = {len(self.original), len(self.base), len(self._alone or self.base)}
        # No character vanishes when each is folded by itself, and on ASCII none is added. So nothing has moved.
        if len(lengths) == 1 and (self._alone is not None or self.original.isascii()):
            return []
        return _trace_steps((*BASE_STEPS, _even), self.original)

    @lazy
    def _from_latin(self) -> list[Mapping]:
        # No letter's plain reading is empty, so an equal length means that none was moved.
        return _trace_steps(LATIN_STEPS, self.base) if len(self.latin) != len(self.base) else []

    @lazy
    def _from_squeezed(self) -> list[Mapping]:
        return [Mapping(edits) for edits in trace_squeeze(self.latin) if edits]

    def to_latin(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of `latin` that a non-empty span of `squeezed` came from."""
        return _go_back(self._from_squeezed, start, end)

    def locate(self, view: View, start: int, end: int) -> Place:
        """Return where the non-empty span [start, end) of a view's text lies in the original."""
        if view is View.SQUEEZED:
            start, end = self.to_latin(start, end)
        if view is not View.BASE:
            start, end = _go_back(self._from_latin, start, end)
        return self.place(*_go_back(self._from_base, start, end))

    @lazy
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(text) + 1 for _, text in self._fields)]

    def place(self, start: int, end: int) -> Place:
        """Return which field's which code points the span [start, end) of `original` is."""
        index = bisect_right(self._starts, start) - 1
        path, text = self._fields[index]
        first, last = start - self._starts[index], min(end - self._starts[index], len(text))
        return Place(path, first, last, text[first:last])


def _trace_steps(steps: Sequence[Step], text: str) -> list[Mapping]:
    mappings = []
    for step in steps:
        if edits := step.trace(text):
            mappings.append(Mapping(edits))
            text = apply_edits(text, edits)
        else:
            text = step.apply(text)
    return mappings


def _go_back(mappings: Sequence[Mapping], start: int, end: int) -> tuple[int, int]:
    for mapping in reversed(mappings):
        start, end = mapping.to_source(start, end)
    return start, end
