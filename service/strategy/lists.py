"""Reads a bundle's lists: `lists/terms/NAME.txt`, `lists/hosts/NAME.txt`; an entry a line, `#` starts a comment."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from service.rules.hosts import read_host
from service.rules.terms import TermEntry, read_term
from service.strategy.files import MAX_ENTRIES, BundleFiles
from service.strategy.problems import Problem


class Lists(NamedTuple):
    """All lists of a bundle by name."""

    terms: dict[str, tuple[TermEntry, ...]]
    hosts: dict[str, tuple[str, ...]]


class _Line(NamedTuple):
    number: int
    column: int
    text: str


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


def _read_terms(content: bytes, file: str, problems: list[Problem]) -> tuple[TermEntry, ...]:
    entries: dict[tuple[str, bool, bool], TermEntry] = {}
    first_line: dict[tuple[str, bool, bool], int] = {}
    for line in _lines(content, file, problems):
        entry = read_term(PurePosixPath(file).stem, line.text)
        if isinstance(entry, str):
            what = f"entry '{line.text[:60]}': {entry}"
            problems.append(Problem(file, line.number, line.column, what, "write a longer word or a phrase"))
            continue
        key = entry.base, entry.opens, entry.closes
        if key in entries:
            what = f"entry '{line.text[:60]}' repeats line {first_line[key]} once normalised"
            problems.append(Problem(file, line.number, line.column, what, "remove one of them"))
        else:
            entries[key], first_line[key] = entry, line.number
    return tuple(entries.values())


def _read_hosts(content: bytes, file: str, problems: list[Problem]) -> tuple[str, ...]:
    hosts: dict[str, int] = {}
    for line in _lines(content, file, problems):
        host = read_host(line.text)
        if host is None:
            what = f"entry '{line.text[:60]}' is no host"
            problems.append(Problem(file, line.number, line.column, what, "write a bare host such as 'shop.example'"))
        elif host in hosts:
            what = f"entry '{line.text[:60]}' repeats line {hosts[host]}"
            problems.append(Problem(file, line.number, line.column, what, "remove one of them"))
        else:
            hosts[host] = line.number
    return tuple(hosts)


def read_lists(files: BundleFiles) -> tuple[Lists, list[Problem]]:
    """Return the lists among a bundle's files and what is wrong with them."""
    problems: list[Problem] = []
    terms: dict[str, tuple[TermEntry, ...]] = {}
    hosts: dict[str, tuple[str, ...]] = {}
    for file, content in sorted(files.items()):
        path = PurePosixPath(file)
        if path.parts[0] != "lists":
            continue
        if path.suffix != ".txt" or path.parent.name not in {"terms", "hosts"}:
            problems.append(Problem(file, 1, 1, "not a list", "put lists into lists/terms/*.txt or lists/hosts/*.txt"))
        elif path.parent.name == "terms":
            terms[path.stem] = _read_terms(content, file, problems)
        else:
            hosts[path.stem] = _read_hosts(content, file, problems)
        if path.stem in terms and path.stem in hosts:
            problems.append(Problem(file, 1, 1, f"two lists are called '{path.stem}'", "rename one"))
    for kind, total in (("terms", sum(map(len, terms.values()))), ("hosts", sum(map(len, hosts.values())))):
        if total > MAX_ENTRIES:
            problems.append(Problem(f"lists/{kind}", 1, 1, f"{total} entries", f"keep all lists under {MAX_ENTRIES}"))
    return Lists(terms, hosts), problems
