"""Term lists: every listed word or phrase in an ad's readings, by one automaton (Aho-Corasick) for all lists.

The automaton runs over the joined reading, where one pattern stands for all spellings of a term; what it finds is
compared with the term letter by letter. So 100,000 terms take some 40 MB and a second.

Words end where letters end, in any script. Scripts that write no spaces (Han, kana, Thai, Khmer ...) have no such
ends, and a hangul word takes its particles at its end. `*` at an entry's end lets a word go on there: `kasino*`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from service.contracts.decision import View
from service.text.joining import join_letters
from service.text.squeezing import confirms, squeeze_term
from service.text.views import Place, Views, fold_term

MIN_LETTERS = 3
"""Shorter entries hit too much; in scripts whose characters say more than a Latin letter, two are enough."""

_ALPHABETIC = re.compile("[a-z0-9\u00c0-\u058f]")
_UNSPACED = re.compile("[฀-࿿က-႟ក-៿぀-ヿ㐀-鿿豈-﫿]|[\U00020000-\U0003ffff]")
_HANGUL = re.compile("[가-힣]")
_DOUBLED = re.compile(r"(.)\1")
# A phrase also counts as one word or with hyphens: "#onlinecasino", "Online-Casino".
_GAPS = (" ", "", "-")
_TERMS_REMEMBERED = 4_096


class TermEntry(NamedTuple):
    """One line of a term list, as written, and its readings."""

    list: str
    text: str
    base: str
    latin: str
    opens: bool
    closes: bool


class TermHit(NamedTuple):
    """An entry found in a view's text at [start, end)."""

    entry: TermEntry
    view: View
    start: int
    end: int

    def locate(self, views: Views) -> Place:
        """Return where in the original it is."""
        return views.locate(self.view, self.start, self.end)


def read_term(list_name: str, line: str) -> TermEntry | str:
    """Return a line of a term list as an entry, or what is wrong with it."""
    opens, closes = not line.startswith("*"), not line.endswith("*")
    base, latin = fold_term(line.strip("*"))
    # Most entries are written as they are read; a large list should hold each string once.
    base = line if line == base else base
    latin = base if base == latin else latin
    letters = sum(map(str.isalnum, base))
    if not letters:
        return "nothing is left of it once it is normalised"
    if letters < (MIN_LETTERS if _ALPHABETIC.search(base) else MIN_LETTERS - 1):
        return "it is too short and would hit innocent texts"
    first, last = base[0], base[-1]
    opens = opens and not _UNSPACED.match(first)
    closes = closes and not (_UNSPACED.match(last) or _HANGUL.match(last))
    return TermEntry(list_name, line, base, latin, opens, closes)


Hits = dict[tuple[str, str], TermHit]
"""By the entry's list and text."""


def _goes_on(edge: str, beyond: str) -> bool:
    """Tell whether a word with `edge` at its end goes on with `beyond`. Letters and digits part: "casino777"."""
    if beyond == " ":
        return False
    if beyond.isalpha() or unicodedata.category(beyond)[0] == "M":
        return not edge.isdigit()
    return beyond.isdigit() and edge.isdigit()


def _stands_alone(text: str, entry: TermEntry, start: int, end: int) -> bool:
    if entry.opens and start and _goes_on(text[start], text[start - 1]):
        return False
    return not (entry.closes and end < len(text) and _goes_on(text[end - 1], text[end]))


def _stands_disguised(views: Views, entry: TermEntry, start: int, end: int) -> bool:
    """Tell whether a span of the squeezed text stands alone in the Latin one, and spells the entry there."""
    first, last = views.to_latin(start, end)
    return _stands_alone(views.latin, entry, first, last) and confirms(views.latin[first:last], entry.latin)


# Most hits are of the same few terms.
@lru_cache(_TERMS_REMEMBERED)
def _spell(entry: TermEntry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form.replace(" ", gap) for form in (entry.base, entry.latin) for gap in _GAPS))


_squeeze = lru_cache(_TERMS_REMEMBERED)(squeeze_term)


def _join(entry: TermEntry) -> set[str]:
    """Return the joined reading of each spelling that is looked for, in any view."""
    joined = join_letters(entry.latin)
    readings = {joined} if entry.latin is entry.base else {joined, join_letters(entry.base)}
    # Without marks and doubled letters, a squeezed spelling joins as the plain one does.
    if not joined.isalnum() or _DOUBLED.search(joined):
        readings.update(map(join_letters, squeeze_term(entry.latin)))
    return readings


def _find_first(
    text: str, forms: Iterable[str], least: int, holds: Callable[[int, int], bool]
) -> tuple[int, int] | None:
    """Return the [start, end) of the form that ends first of those that hold; no first letter stands before `least`."""
    best: tuple[int, int] | None = None
    for form in forms:
        start = text.find(form, max(0, least - len(form)))
        while start >= 0 and not holds(start, start + len(form)):
            start = text.find(form, start + 1)
        if start >= 0 and (best is None or (start + len(form), start) < (best[1], best[0])):
            best = start, start + len(form)
    return best


_PATTERNS_PER_AUTOMATON = 16_384
"""The library holds the interpreter while it builds one: 20 ms for so many, 300 ms for 100,000 in one automaton.

A swap to a large bundle is compiled beside scoring, which must not wait that long. Each more costs a text about 1 µs.
"""


class TermIndex:
    """All term lists of a bundle, compiled. Searching is linear in the text and independent of the lists' sizes."""

    def __init__(self, entries: Iterable[TermEntry], known: "TermIndex | None" = None) -> None:
        """Take the entries of all lists; what an index in memory knows of equal ones is taken from it."""
        found: dict[str, TermEntry | list[TermEntry]] = {}
        # Kept for the next version of the bundle: most of the time goes into these readings.
        self._joined: dict[TermEntry, tuple[str, ...]] = {}
        before = known._joined if known else {}  # noqa: SLF001 - another one of its kind
        for entry in entries:
            readings = before.get(entry) or tuple(_join(entry))
            self._joined[entry] = readings
            for joined in readings:
                others = found.setdefault(joined, entry)
                # A list only where it is needed: most joined readings are one entry's.
                if isinstance(others, list):
                    others.append(entry)
                elif others is not entry:
                    found[joined] = [others, entry]
        self._entries = list(found.values())
        patterns = list(found)
        self._automata = [
            (start, AhoCorasick(patterns[start : start + _PATTERNS_PER_AUTOMATON], store_patterns=False))
            for start in range(0, len(patterns), _PATTERNS_PER_AUTOMATON)
        ]

    def search(self, views: Views) -> list[TermHit]:
        """Return the first hit of each entry, in the plainest view that shows it."""
        hits: Hits = {}
        self._search_plain(views.base, View.BASE, hits)
        if views.latin is not views.base:
            self._search_plain(views.latin, View.LATIN, hits)
        if views.squeezed is not None:
            self._search_squeezed(views, views.squeezed, hits)
        return list(hits.values())

    def _search_plain(self, text: str, view: View, hits: Hits) -> None:
        found = []
        for entry, least in self._find_candidates(text, hits):
            stands = partial(_stands_alone, text, entry)
            if span := _find_first(text, _spell(entry), least, stands):
                found.append(TermHit(entry, view, *span))
        _add(found, hits)

    def _search_squeezed(self, views: Views, text: str, hits: Hits) -> None:
        found = []
        for entry, least in self._find_candidates(text, hits):
            stands = partial(_stands_disguised, views, entry)
            if span := _find_first(text, _squeeze(entry.latin), least, stands):
                found.append(TermHit(entry, View.SQUEEZED, *span))
        _add(found, hits)

    def _find_candidates(self, text: str, known: Hits) -> list[tuple[TermEntry, int]]:
        """Return entries not yet known that may stand in a view's text, and before where their first letter does not.

        An entry is there once for each of its joined readings that the text holds.
        """
        candidates: list[tuple[TermEntry, int]] = []
        joined = join_letters(text)
        for start, automaton in self._automata:
            seen = set()
            for index, first, _ in automaton.find_matches_as_indexes(joined, overlapping=True):
                if index in seen:
                    continue
                seen.add(index)
                entries = self._entries[start + index]
                one_or_more = entries if isinstance(entries, list) else (entries,)
                # The joined reading is shorter, so a letter stands no earlier in the text than in it.
                candidates += [(entry, first) for entry in one_or_more if (entry.list, entry.text) not in known]
        return candidates


def _add(found: list[TermHit], hits: Hits) -> None:
    for hit in sorted(found, key=_rank) if len(found) > 1 else found:
        hits.setdefault((hit.entry.list, hit.entry.text), hit)


def _rank(hit: TermHit) -> tuple[int, int]:
    return hit.end, hit.start
