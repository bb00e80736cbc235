"""Reads a bundle's lists: `lists/KIND/NAME.txt` for terms, regexes, hosts, advertisers; an entry a line, `#` comments.

A list that another bundle in memory has word for word is taken from there; so are the indexes over equal lists.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from service.rules.advertisers import read_advertiser
from service.rules.hosts import read_host
from service.rules.regexes import PatternError, RegexEntry, check_pattern
from service.rules.terms import TermEntry, read_term
from service.strategy.files import LIST_KINDS, MAX_ENTRIES, BundleFiles
from service.strategy.problems import Problem

Entry = TermEntry | RegexEntry | str


class ListFile(NamedTuple):
    """One list: its kind, its name, its entries as the kind's index takes them, and what it was read from."""

    kind: str
    name: str
    entries: tuple[Any, ...]
    digest: bytes


class Lists(NamedTuple):
    """All lists of a bundle by their path."""

    files: Mapping[str, ListFile]

    def of_kind(self, kind: str) -> dict[str, tuple[Any, ...]]:
        """Return the entries of each list of a kind by the list's name."""
        return {read.name: read.entries for read in self.files.values() if read.kind == kind}

    def kind_of(self, name: str) -> str | None:
        """Return the kind of the list of that name."""
        return next((read.kind for read in self.files.values() if read.name == name), None)

    def fingerprint(self, kind: str) -> tuple[tuple[str, bytes], ...]:
        """Return what two bundles have in common if their indexes of this kind are the same."""
        return tuple((file, read.digest) for file, read in self.files.items() if read.kind == kind)


class _Line(NamedTuple):
    number: int
    column: int
    text: str


class _Refusal(NamedTuple):
    why: str
    remedy: str
    column: int = 1


class _Read(NamedTuple):
    entry: Entry
    key: object
    """Equal for two lines that say the same."""


def _read_term(name: str, text: str) -> _Read | _Refusal:
    entry = read_term(name, text)
    if isinstance(entry, str):
        return _Refusal(f": {entry}", "write a longer word or a phrase")
    return _Read(entry, (entry.base, entry.opens, entry.closes))


def _read_regex(name: str, text: str) -> _Read | _Refusal:
    try:
        check_pattern(text)
    except PatternError as error:
        return _Refusal(f": {error.what}", error.remedy, error.column)
    return _Read(RegexEntry(name, text), text)


def _read_host(_: str, text: str) -> _Read | _Refusal:
    host = read_host(text)
    return _Refusal(" is no host", "write a bare host such as 'shop.example'") if host is None else _Read(host, host)


def _read_advertiser(_: str, text: str) -> _Read | _Refusal:
    advertiser = read_advertiser(text)
    if advertiser is None:
        return _Refusal(" is no advertiser's id", "write one id a line, as submissions send it, without blanks")
    return _Read(advertiser, advertiser)


_READERS: Mapping[str, Callable[[str, str], _Read | _Refusal]] = {
    "terms": _read_term,
    "regexes": _read_regex,
    "hosts": _read_host,
    "advertisers": _read_advertiser,
}


def _lines(content: bytes, file: str, problems: list[Problem]) -> Iterator[_Line]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems.append(Problem(file, line, 1, f"byte {error.start} is not UTF-8", "save the file as UTF-8"))
        return
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        # A comment starts at the line's start or after a blank: "c#" may be a term.
        entry = raw.strip() if "#" not in raw else (" " + raw).split(" #", 1)[0].strip()
        if entry:
            yield _Line(number, raw.index(entry[0]) + 1, entry)


def _read_entries(kind: str, name: str, content: bytes, file: str, problems: list[Problem]) -> tuple[Entry, ...]:
    read = _READERS[kind]
    entries: dict[object, Entry] = {}
    first_line: dict[object, int] = {}
    for line in _lines(content, file, problems):
        answer = read(name, line.text)
        if isinstance(answer, _Refusal):
            what = f"entry '{line.text[:60]}'{answer.why}"
            problems.append(Problem(file, line.number, line.column + answer.column - 1, what, answer.remedy))
        elif answer.key in entries:
            normalised = " once normalised" if kind == "terms" else ""
            what = f"entry '{line.text[:60]}' repeats line {first_line[answer.key]}{normalised}"
            problems.append(Problem(file, line.number, line.column, what, "remove one of them"))
        else:
            entries[answer.key], first_line[answer.key] = answer.entry, line.number
    return tuple(entries.values())


def read_lists(files: BundleFiles, known: Lists | None = None) -> tuple[Lists, list[Problem]]:
    """Return the lists among a bundle's files and what is wrong with them; `known` are lists in memory."""
    problems: list[Problem] = []
    lists: dict[str, ListFile] = {}
    names: dict[str, str] = {}
    for file in sorted(name for name in files if name.startswith("lists/")):
        path = PurePosixPath(file)
        if path.suffix != ".txt" or path.parent.name not in LIST_KINDS or len(path.parts) != len(("lists", "", "")):
            remedy = f"put lists into {', '.join(f'lists/{kind}/*.txt' for kind in LIST_KINDS)}"
            problems.append(Problem(file, 1, 1, "not a list", remedy))
            continue
        if path.stem in names:
            what = f"two lists are called '{path.stem}': this one and {names[path.stem]}"
            problems.append(Problem(file, 1, 1, what, "rename one: a condition names a list by its name alone"))
        names.setdefault(path.stem, file)
        lists[file] = _take_or_read(path, files[file], known, problems)
    for kind in LIST_KINDS:
        total = sum(len(read.entries) for read in lists.values() if read.kind == kind)
        if total > MAX_ENTRIES:
            what = f"{total:,} entries in all lists of this kind"
            problems.append(Problem(f"lists/{kind}", 1, 1, what, f"keep them under {MAX_ENTRIES:,}"))
    return Lists(lists), problems


def _take_or_read(path: PurePosixPath, content: bytes, known: Lists | None, problems: list[Problem]) -> ListFile:
    file, digest = path.as_posix(), hashlib.sha256(content).digest()
    if known and (same := known.files.get(file)) and same.digest == digest:
        return same
    kind = path.parent.name
    return ListFile(kind, path.stem, _read_entries(kind, path.stem, content, file, problems), digest)
