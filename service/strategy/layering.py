"""Which layers lie over each other for which ads and when: found once for a bundle, looked up for each ad.

Each strategy is a bit. A dimension's value has the bits of the strategies that cover it; the bits that an ad's three
values share are its strategies. Values that no strategy names have the same bits, so all that can occur is finite.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from service.strategy.layers import Layer
from service.strategy.problems import Problem
from service.strategy.scoping import DIMENSIONS, Triple, holds_at, is_any, specificity

Layering = tuple[Layer, ...]
"""The strategies that apply to an ad, the most specific first."""

Made = TypeVar("Made")

MAX_COMBINATIONS = 2_000_000
MAX_LAYERINGS = 10_000
_REMEMBERED = 4_096


class TooManyLayeringsError(ValueError):
    """The scopes cross each other more often than can be looked at."""

    def __init__(self, count: int, limit: int, of_what: str) -> None:
        super().__init__(f"the scopes make {count:,} {of_what}")
        self.problem = Problem("bundle", 1, 1, str(self), f"use fewer scopes that cross each other; {limit:,} are let")


class Layerings(Generic[Made]):
    """Chooses what was made of the layers that apply to an ad at a time."""

    def __init__(self, layers: Iterable[Layer], make: Callable[[Layering], Made]) -> None:
        """Make something of each layering that can occur. Raises `TooManyLayeringsError`."""
        self._layers = sorted(layers, key=lambda layer: specificity(layer.strategy.scope), reverse=True)
        self._any = [self._cover(name, None) for name in DIMENSIONS]
        self._named = [{value: self._cover(name, value) for value in self._values(name)} for name in DIMENSIONS]
        made: dict[Layering, Made] = {}
        self._timelines = {bits: self._lay_out(bits, make, made) for bits in self._occurring()}
        self.all = made
        self._remembered: dict[Triple, _Timeline[Made]] = {}

    def choose(self, ad: Triple, as_of: datetime) -> Made:
        """Return what applies to an ad with (market, vertical, product) at a moment."""
        timeline = self._remembered.get(ad)
        if timeline is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()  # an ad may name any vertical
            timeline = self._remembered[ad] = self._timelines[self._bits(ad)]
        return timeline.at(as_of)

    def _values(self, dimension: str) -> set[str]:
        named = (getattr(layer.strategy.scope, dimension) for layer in self._layers)
        return {value for values in named if not is_any(values) for value in values}

    def _cover(self, dimension: str, value: str | None) -> int:
        scopes = (getattr(layer.strategy.scope, dimension) for layer in self._layers)
        return sum(1 << index for index, values in enumerate(scopes) if is_any(values) or value in values)

    def _bits(self, ad: Triple) -> int:
        bits = -1
        for named, unnamed, value in zip(self._named, self._any, ad, strict=True):
            bits &= named.get(value, unnamed)
        return bits

    def _occurring(self) -> set[int]:
        choices = [{unnamed, *named.values()} for named, unnamed in zip(self._named, self._any, strict=True)]
        markets, verticals, products = choices
        count = len(markets) * len(verticals) * len(products)
        if count > MAX_COMBINATIONS:
            raise TooManyLayeringsError(count, MAX_COMBINATIONS, "combinations of markets, verticals and products")
        pairs = {one & other for one in markets for other in verticals}
        found = {pair & product for pair in pairs for product in products}
        if len(found) > MAX_LAYERINGS:
            raise TooManyLayeringsError(len(found), MAX_LAYERINGS, "different sets of strategies")
        return found

    def _lay_out(self, bits: int, make: Callable[[Layering], Made], made: dict[Layering, Made]) -> "_Timeline[Made]":
        layers = [layer for index, layer in enumerate(self._layers) if bits >> index & 1]
        periods = [layer.strategy.effective for layer in layers]
        turns = sorted({turn for period in periods for turn in (period.start, period.until) if turn})
        choices = []
        for moment in _moments(turns):
            layering = tuple(layer for layer in layers if moment is None or holds_at(layer.strategy.effective, moment))
            if moment is None:
                layering = tuple(layer for layer in layers if layer.strategy.effective.start is None)
            if layering not in made:
                made[layering] = make(layering)
            choices.append(made[layering])
        return _Timeline(turns, choices)


def _moments(turns: Sequence[datetime]) -> Iterator[datetime | None]:
    """Yield a moment of each stretch between turns; None stands for the time before the first one."""
    yield None
    yield from turns


class _Timeline(Generic[Made]):
    """What applies before the first turn, from it on, from the second on, and so forth."""

    def __init__(self, turns: Sequence[datetime], choices: Sequence[Made]) -> None:
        self._turns, self._choices = list(turns), list(choices)

    def at(self, as_of: datetime) -> Made:
        return self._choices[bisect_right(self._turns, as_of) if self._turns else 0]
