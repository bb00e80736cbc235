"""Term lists: every listed word or phrase in an ad's readings, by one automaton (Aho-Corasick) for all lists.

Words end where letters end, in any script. Scripts that write no spaces (Han, kana, Thai, Khmer ...) have no such
ends, and a hangul word takes its particles at its end. `*` at an entry's end lets a word go on there: `kasino*`.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from service.contracts.decision import View
from service.text.squeezing import confirms, squeeze_term
from service.text.views import Place, Views, fold_term

MIN_LETTERS = 3
"""Shorter entries hit too much; in scripts whose characters say more than a Latin letter, two are enough."""

_ALPHABETIC = re.compile("[a-z0-9\u00c0-\u058f]")
_UNSPACED = re.compile("[฀-࿿က-႟ក-៿぀-ヿ㐀-鿿豈-﫿]|[\U00020000-\U0003ffff]")
_HANGUL = re.compile("[가-힣]")


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
    letters = sum(map(str.isalnum, base))
    if not letters:
        return "nothing is left of it once it is normalised"
    if letters < (MIN_LETTERS if _ALPHABETIC.search(base) else MIN_LETTERS - 1):
        return "it is too short and would hit innocent texts"
    first, last = base[0], base[-1]
    opens = opens and not _UNSPACED.match(first)
    closes = closes and not (_UNSPACED.match(last) or _HANGUL.match(last))
    return TermEntry(list_name, line, base, latin, opens, closes)


def _goes_on(edge: str, beyond: str) -> bool:
    """Tell whether a word with `edge` at its end goes on with `beyond`. Letters and digits part: "casino777"."""
    if beyond.isalpha() or unicodedata.category(beyond)[0] == "M":
        return not edge.isdigit()
    return beyond.isdigit() and edge.isdigit()


def _stands_alone(text: str, start: int, end: int, entry: TermEntry) -> bool:
    if entry.opens and start and _goes_on(text[start], text[start - 1]):
        return False
    return not (entry.closes and end < len(text) and _goes_on(text[end - 1], text[end]))


class TermIndex:
    """All term lists of a bundle, compiled. Searching is linear in the text and independent of the lists' sizes."""

    def __init__(self, entries: Iterable[TermEntry]) -> None:
        plain: dict[str, list[TermEntry]] = {}
        squeezed: dict[str, list[TermEntry]] = {}
        for entry in entries:
            # A phrase also counts as one word or with hyphens: "#onlinecasino", "Online-Casino".
            for pattern in sorted(
                {form.replace(" ", gap) for form in (entry.base, entry.latin) for gap in (" ", "", "-")}
            ):
                plain.setdefault(pattern, []).append(entry)
            for pattern in squeeze_term(entry.latin):
                squeezed.setdefault(pattern, []).append(entry)
        self._plain = list(plain.values())
        self._squeezed = list(squeezed.values())
        self._plain_automaton = AhoCorasick(list(plain))
        self._squeezed_automaton = AhoCorasick(list(squeezed))

    def search(self, views: Views) -> list[TermHit]:
        """Return the first hit of each entry, in the plainest view that shows it."""
        hits: dict[tuple[str, str], TermHit] = {}
        self._search_plain(views.base, View.BASE, hits)
        if views.latin is not views.base:
            self._search_plain(views.latin, View.LATIN, hits)
        if views.squeezed is not None:
            self._search_squeezed(views, views.squeezed, hits)
        return list(hits.values())

    def _search_plain(self, text: str, view: View, hits: dict[tuple[str, str], TermHit]) -> None:
        for index, start, end in self._plain_automaton.find_matches_as_indexes(text, overlapping=True):
            for entry in self._plain[index]:
                if (entry.list, entry.text) not in hits and _stands_alone(text, start, end, entry):
                    hits[entry.list, entry.text] = TermHit(entry, view, start, end)

    def _search_squeezed(self, views: Views, text: str, hits: dict[tuple[str, str], TermHit]) -> None:
        latin = views.latin
        for index, start, end in self._squeezed_automaton.find_matches_as_indexes(text, overlapping=True):
            for entry in self._squeezed[index]:
                if (entry.list, entry.text) in hits:
                    continue
                first, last = views.to_latin(start, end)
                if _stands_alone(latin, first, last, entry) and confirms(latin[first:last], entry.latin):
                    hits[entry.list, entry.text] = TermHit(entry, View.SQUEEZED, start, end)
