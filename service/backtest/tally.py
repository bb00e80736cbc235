"""What a backtest counts, and how counts of blocks are put together: bounded memory, the same for any cutting.

Everything is a whole number, so that sums do not depend on who added what first.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from service.backtest.contest import OUTCOMES
from service.backtest.dimensions import ALL, DIMENSIONS, MAX_VALUES, OTHER
from service.backtest.shortlist import Shortlist
from service.backtest.verdicts import Verdict
from service.contracts.decision import Outcome

_INDEX = {outcome: index for index, outcome in enumerate(OUTCOMES)}
MAX_TOLD = 20
"""Ads that could not be read are listed up to here, and counted beyond."""


class Arm(StrEnum):
    """Which of the two bundles decided."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Found(StrEnum):
    """What a person found about an ad, if anybody looked."""

    NOTHING = "not_looked_at"
    CLEAN = "clean"
    VIOLATING = "violating"


def read_finding(verdict: Verdict | None) -> Found:
    """Return what a verdict says."""
    if verdict is None:
        return Found.NOTHING
    return Found.VIOLATING if verdict.violates else Found.CLEAN


class Cells:
    """How many ads there were of each finding, outcome by the baseline and outcome by the candidate."""

    def __init__(self) -> None:
        self.counts = [0] * (len(Found) * len(OUTCOMES) * len(OUTCOMES))

    def add(self, found: Found, before: Outcome, after: Outcome) -> None:
        """Count one ad."""
        self.counts[_FOUND_INDEX[found] * 9 + _INDEX[before] * 3 + _INDEX[after]] += 1

    def merge(self, other: "Cells") -> None:
        """Add another's counts."""
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]

    def count(
        self, found: tuple[Found, ...] = tuple(Found), before: Outcome | None = None, after: Outcome | None = None
    ) -> int:
        """Return how many ads fit; None fits any outcome."""
        befores = range(3) if before is None else (_INDEX[before],)
        afters = range(3) if after is None else (_INDEX[after],)
        return sum(self.counts[_FOUND_INDEX[f] * 9 + b * 3 + a] for f in found for b in befores for a in afters)


_FOUND_INDEX = {found: index for index, found in enumerate(Found)}


@dataclass
class ArmTally:
    """What one bundle did. `rules` and the like count by (rule, policy); '' stands for no policy."""

    tasks: Counter[str] = field(default_factory=Counter)
    parts_failed: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    overkilled: Counter[str] = field(default_factory=Counter)
    leaked: Counter[str] = field(default_factory=Counter)
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    alone: Counter[tuple[str, str]] = field(default_factory=Counter)
    judged: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: Counter[tuple[str, str]] = field(default_factory=Counter)

    def merge(self, other: "ArmTally") -> None:
        """Add another's counts."""
        for name, counts in vars(other).items():
            getattr(self, name).update(counts)


@dataclass
class Tally:
    """All counts of a block, or of all blocks so far."""

    ads: int = 0
    earliest: datetime | None = None
    latest: datetime | None = None
    unreadable: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    slices: dict[str, dict[str, Cells]] = field(default_factory=lambda: {name: {} for name in (ALL, *DIMENSIONS)})
    moves: Counter[tuple[str, Outcome, Outcome]] = field(default_factory=Counter)
    violating: Counter[str] = field(default_factory=Counter)
    arms: dict[Arm, ArmTally] = field(default_factory=lambda: {arm: ArmTally() for arm in Arm})
    stricter: Shortlist = field(default_factory=Shortlist)
    looser: Shortlist = field(default_factory=Shortlist)

    def refuse(self, error: str, told: str) -> None:
        """Count an ad that cannot be read."""
        self.unreadable[error] += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(told)

    def see(self, submitted_at: datetime) -> None:
        """Count an ad that can, and widen the time span to it."""
        self.ads += 1
        self.earliest = min(self.earliest or submitted_at, submitted_at)
        self.latest = max(self.latest or submitted_at, submitted_at)

    def find_cells(self, dimension: str, value: str) -> Cells:
        """Return the counts of a slice; of `OTHER`, where a dimension has too many values."""
        values = self.slices[dimension]
        if (cells := values.get(value)) is None:
            key = value if len(values) < MAX_VALUES or value == OTHER else OTHER
            cells = values.setdefault(key, Cells())
        return cells

    def merge(self, later: "Tally") -> None:
        """Add the counts of ads that came later; blocks must be merged in their order."""
        self.ads += later.ads
        for time in (later.earliest, later.latest):
            if time is not None:
                self.earliest, self.latest = min(self.earliest or time, time), max(self.latest or time, time)
        self.unreadable.update(later.unreadable)
        self.told = (self.told + later.told)[:MAX_TOLD]
        for dimension, values in later.slices.items():
            for value, cells in values.items():  # in the order in which they were met
                self.find_cells(dimension, value).merge(cells)
        self.moves.update(later.moves)
        self.violating.update(later.violating)
        for arm, counts in later.arms.items():
            self.arms[arm].merge(counts)
        self.stricter.merge(later.stricter)
        self.looser.merge(later.looser)
