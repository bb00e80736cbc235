r"""Regex lists: patterns of RE2 in an ad's plain and Latin readings, by one automaton (`Set`) for all lists.

RE2 is linear in the text whatever the pattern, and refuses what could not be (look-behind, back-references). Its `\b`,
`\w` and `\d` know ASCII only, so a pattern that asks them about other letters is refused at load. The texts are folded
to small letters and single blanks before they are searched; fields are lines of their own.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import re2

from service.contracts.decision import View
from service.text.folding import fold_base
from service.text.views import Place, Views

MAX_PATTERN_CHARS = 1_000
_MEMORY_BYTES = 8_000_000
"""Of one pattern's or set's automaton; RE2 says no, and never slows down, where a pattern needs more."""
_PATTERNS_PER_SET = 500
_SENTINEL = "(?:)"
_ASCII_CLASS = re.compile(r"(?<!\\)(?:\\\\)*\\([bBwW])")
_HARMLESS = ("", "a", "0", " ")
_FRAGMENT = re.compile(r"^(.*?): (.*)$", re.DOTALL)
_REFUSALS = {
    "invalid perl operator: (?<": ("look-behind is not known to RE2", "write what stands before it into the pattern"),
    "invalid perl operator: (?=": ("look-ahead is not known to RE2", "write what follows into the pattern"),
    "invalid perl operator: (?!": ("negative look-ahead is not known to RE2", "ask for two regex_hits in a condition"),
    "invalid repetition size": ("a repetition above 1000 in all is refused", "repeat less, or use '+'"),
    "pattern too large": ("the pattern needs too large an automaton", "repeat less, or split it over two lines"),
    "missing )": ("a bracket is not closed", "close it with ')', or write '\\(' for the character"),
    "unexpected )": ("a bracket is closed that was not opened", "write '\\)' for the character"),
    "missing ]": ("a character class is not closed", "close it with ']', or write '\\[' for the character"),
}  # fmt: skip


class PatternError(ValueError):
    """A pattern cannot be used. `column` counts from 1 inside its text."""

    def __init__(self, what: str, remedy: str, column: int = 1) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy, self.column = what, remedy, column


class RegexEntry(NamedTuple):
    """One line of a regex list."""

    list: str
    pattern: str


class RegexHit(NamedTuple):
    """An entry found in a view's text at [start, end)."""

    entry: RegexEntry
    view: View
    start: int
    end: int

    def locate(self, views: Views) -> Place:
        """Return where in the original it is."""
        return views.locate(self.view, self.start, self.end)


def check_pattern(pattern: str) -> None:
    """Raise `PatternError` where RE2 refuses the pattern, or where it cannot do what its author meant."""
    if len(pattern) > MAX_PATTERN_CHARS:
        what = f"the pattern has {len(pattern)} characters"
        raise PatternError(what, f"keep it under {MAX_PATTERN_CHARS}; words belong on a term list")
    try:
        compiled = _compile(pattern)
    except re2.error as error:
        raise _explain(pattern, _read_message(error)) from None
    if not pattern.isascii() and (hit := _ASCII_CLASS.search(pattern)):
        strange = next(character for character in pattern if not character.isascii())
        what = f"'\\{hit[1]}' knows only ASCII letters, so it fails beside '{strange}'"
        remedy = "write (?:^|\\PL) and (?:\\PL|$) for a word's ends, \\pL for a letter; or use a term list"
        raise PatternError(what, remedy, hit.start(1))
    for index, character in enumerate(pattern):
        # Letters that folding changes into something else (accents stay) never occur in the texts.
        if character.isalpha() and not character.isascii() and fold_base(character) != character.lower():
            what = f"'{character}' never occurs: texts are folded before they are searched"
            raise PatternError(what, f"write '{fold_base(character)}'", index + 1)
    if any(_first_span(compiled, text) or compiled.fullmatch(text) for text in _HARMLESS):
        raise PatternError("the pattern hits almost any text", "say more: it must need more than one character")


def _compile(pattern: str) -> "re2._Regexp":
    return re2.compile("(?m)" + pattern, _options())


def _options() -> "re2.Options":
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    return options


def _read_message(error: Exception) -> str:
    message = error.args[0] if error.args else str(error)
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)


def _explain(pattern: str, message: str) -> PatternError:
    parts = _FRAGMENT.match(message)
    # RE2 names the text it stumbled over, which is where its place is.
    column = max(pattern.find(parts[2]), 0) + 1 if parts else 1
    if "invalid escape sequence" in message and parts and parts[2][1:2].isdigit():
        return PatternError("back-references are not known to RE2", "write the repeated text out", column)
    for start, (what, remedy) in _REFUSALS.items():
        if message.startswith(start):
            return PatternError(what, remedy, column)
    return PatternError(f"RE2 refuses it: {message}", "see RE2's syntax: github.com/google/re2/wiki/Syntax", column)


def _first_span(compiled: "re2._Regexp", text: str) -> tuple[int, int] | None:
    """Return the first match that is not empty and lies in one field."""
    spans = (hit.span() for hit in compiled.finditer(text))
    return next(((start, end) for start, end in spans if end > start and "\n" not in text[start:end]), None)


class RegexIndex:
    """All regex lists of a bundle, compiled."""

    def __init__(self, entries: Sequence[RegexEntry]) -> None:
        """Take entries whose patterns passed `check_pattern`. Raises `PatternError` where all together are too much."""
        self._entries = tuple(entries)
        self._compiled = [_compile(entry.pattern) for entry in self._entries]
        starts = range(0, len(self._entries), _PATTERNS_PER_SET)
        self._sets = [(start, _compile_set(self._entries[start : start + _PATTERNS_PER_SET])) for start in starts]

    def search(self, views: Views) -> list[RegexHit]:
        """Return the first hit of each entry, in the plainest view that shows it."""
        if not self._entries:
            return []
        hits: dict[int, RegexHit] = {}
        self._search_view(views.base, View.BASE, hits)
        if views.latin is not views.base:
            self._search_view(views.latin, View.LATIN, hits)
        return [hits[index] for index in sorted(hits)]

    def _search_view(self, text: str, view: View, hits: dict[int, RegexHit]) -> None:
        lines = text.replace("\0", "\n")
        for index in self._find_candidates(lines):
            if index not in hits and (span := _first_span(self._compiled[index], lines)):
                hits[index] = RegexHit(self._entries[index], view, *span)

    def _find_candidates(self, text: str) -> list[int]:
        found: list[int] = []
        for start, patterns in self._sets:
            matched = patterns.Match(text)
            size = min(_PATTERNS_PER_SET, len(self._entries) - start)
            # A set that runs out of memory finds nothing and does not say so; its sentinel, which always hits, does.
            local = range(size) if matched is None or size not in matched else (i for i in matched if i != size)
            found += [start + index for index in local]
        return found


def _compile_set(entries: Sequence[RegexEntry]) -> "re2.Set":
    options = _options()
    options.max_mem = 4 * _MEMORY_BYTES
    patterns = re2.Set.SearchSet(options)
    try:
        for entry in entries:
            patterns.Add("(?m)" + entry.pattern)
        patterns.Add(_SENTINEL)
        patterns.Compile()
    except re2.error:
        what = f"the {len(entries)} patterns from '{entries[0].pattern[:40]}' on are too much for one automaton"
        raise PatternError(what, "shorten repetitions, or use term lists") from None
    return patterns
