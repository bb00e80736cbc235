"""Strategies as layers: each file with the rules it includes, every rule with its place.

Between `reading` and `effective`: what the files say is known here, what applies to an ad is not yet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from service.strategy.documents import Document
from service.strategy.files import SHARED_FILE, BundleFiles
from service.strategy.problems import Problem, Where, suggest
from service.strategy.reader import Reader
from service.strategy.rule_schema import RuleEntry
from service.strategy.schema import RuleFile, StrategyFile


@dataclass(frozen=True, eq=False)
class RuleSource:
    """A rule as it is written: in which file and where, and for which strategy. Compared by identity."""

    entry: RuleEntry
    document: Document
    path: tuple[str | int, ...]
    strategy: str

    def where(self, *field: str | int, of_key: bool = False) -> Where:
        """Return the place of a field of the rule, or of the rule itself."""
        return self.document.where((*self.path, *field), of_key=of_key)

    def problem(self, field: Sequence[str | int], what: str, remedy: str, *, of_key: bool = False) -> Problem:
        """Return a problem of one field of the rule."""
        return self.document.problem((*self.path, *field), what, remedy, of_key=of_key)


@dataclass(frozen=True, eq=False)
class Layer:
    """One strategy: what it says itself, and all rules that belong to it. `files` are those it is made of.

    Not `whole` is what was salvaged of a file with mistakes: its scope may not be the one that was meant.
    """

    strategy: StrategyFile
    document: Document
    rules: tuple[RuleSource, ...]
    files: tuple[str, ...]
    whole: bool = True

    @property
    def id(self) -> str:
        """The strategy's name."""
        return self.strategy.id


class _RuleDocument(NamedTuple):
    document: Document
    file: RuleFile


def read_layers(files: BundleFiles, reader: Reader | None = None) -> tuple[list[Layer], list[Problem], list[Problem]]:
    """Return the strategies among a bundle's files, in the files' order; what is wrong; and what is worth a thought."""
    reader = reader or Reader()
    rule_files, problems = _read_rule_files(files, reader)
    problems += _find_cycles(rule_files)
    layers: list[Layer] = []
    for name in sorted(name for name in files if "/" not in name and name != SHARED_FILE):
        read = reader.read(name, files[name], StrategyFile)
        if not isinstance(read, list):
            layers.append(_collect(*read, rule_files, problems))
            continue
        problems += read
        if rest := reader.salvage(name, files[name], StrategyFile):
            layers.append(replace(_collect(*rest, rule_files, problems), whole=False))
    used = {name for layer in layers for name in layer.files}
    idle = [
        Problem(name, 1, 1, "no strategy includes these rules", f"add 'include: {name}' to one, or delete the file")
        for name in rule_files
        if name not in used
    ]
    return layers, problems, idle


def _read_rule_files(files: BundleFiles, reader: Reader) -> tuple[dict[str, _RuleDocument], list[Problem]]:
    found: dict[str, _RuleDocument] = {}
    problems: list[Problem] = []
    for name in sorted(name for name in files if name.startswith("rules/")):
        read = reader.read(name, files[name], RuleFile)
        if isinstance(read, list):
            problems += read
            rest = reader.salvage(name, files[name], RuleFile)
            # Known, even if nothing can be taken from it.
            found[name] = _RuleDocument(*rest) if rest else _RuleDocument(Document(name, {}), RuleFile())
        else:
            found[name] = _RuleDocument(*read)
    return found, problems


def _find_cycles(rule_files: dict[str, _RuleDocument]) -> list[Problem]:
    problems: list[Problem] = []
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        document, file = rule_files[name]
        for index, included in enumerate(file.include):
            if included in trail:
                ring = " > ".join((*trail[trail.index(included) :], included))
                what = f"the include goes round in a circle: {ring}"
                problems.append(document.problem(("include", index), what, "remove one of these includes"))
            elif included in rule_files and included not in done:
                visit(included, (*trail, included))
        done.add(name)

    for name in rule_files:
        if name not in done:
            visit(name, (name,))
    return problems


def _collect(
    document: Document, strategy: StrategyFile, rule_files: dict[str, _RuleDocument], problems: list[Problem]
) -> Layer:
    """Put a strategy's rules together: those of included files first, in the order of the includes, each file once."""
    walk = _Walk(strategy.id, rule_files, problems, document.file)
    rules = [*walk.follow(document, strategy.include), *_sources(document, strategy.rules, strategy.id)]
    return Layer(strategy, document, tuple(rules), tuple(walk.seen))


class _Walk:
    """Follows one strategy's includes."""

    def __init__(
        self, strategy: str, rule_files: dict[str, _RuleDocument], problems: list[Problem], start: str
    ) -> None:
        self._strategy, self._rule_files, self._problems = strategy, rule_files, problems
        self.seen: dict[str, None] = {start: None}

    def follow(self, document: Document, include: Sequence[str]) -> Iterator[RuleSource]:
        for index, name in enumerate(include):
            if name not in self._rule_files:
                what = f"unknown rule file '{name}'"
                self._problems.append(document.problem(("include", index), what, suggest(name, self._rule_files)))
            elif name not in self.seen:
                self.seen[name] = None
                inner = self._rule_files[name]
                yield from self.follow(inner.document, inner.file.include)
                yield from _sources(inner.document, inner.file.rules, self._strategy)


def _sources(document: Document, entries: Sequence[RuleEntry], strategy: str) -> Iterator[RuleSource]:
    for index, entry in enumerate(entries):
        yield RuleSource(entry, document, ("rules", index), strategy)
