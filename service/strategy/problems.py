"""What is wrong with a strategy: every problem with its place and its remedy, all of them in one error."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class Where(NamedTuple):
    """A place in a bundle's file. Line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Return `file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One mistake in one file, or one thing to think about. Line and column count from 1."""

    file: str
    line: int
    column: int
    what: str
    remedy: str

    def __str__(self) -> str:
        """Return `file:line:column: what; remedy`."""
        return f"{self.file}:{self.line}:{self.column}: {self.what}; {self.remedy}"


class StrategyError(ValueError):
    """A bundle cannot be used. `problems` and the text list every mistake, one a line, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the known name nearest to a wrong one."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6) or [known for known in names if name and name in known]
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known are {', '.join(names)}" if names else "none exists yet"
