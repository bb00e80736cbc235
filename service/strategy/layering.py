"""Which layers lie over each other for which ads and when: found once for a bundle, looked up for each ad.

Each strategy is a bit. A dimension's value has the bits of the strategies that cover it; the bits that an ad's three
values share are its strategies. Values that no strategy names have the same bits, so all that can occur is finite.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from service.strategy.layers import Layer
from service.strategy.problems import Problem
from service.strategy.scoping import DIMENSIONS, Triple, holds_at, is_any, specificity

Layering = tuple[Layer, ...]
"""The strategies that apply to an ad, the most specific first."""

Made = TypeVar("Made")
Changed = TypeVar("Changed")

MAX_COMBINATIONS = 2_000_000
MAX_LAYERINGS = 10_000
_REMEMBERED = 4_096


class TooManyLayeringsError(ValueError):
    """The scopes cross each other more often than can be looked at."""

    def __init__(self, count: int, limit: int, of_what: str) -> None:
        super().__init__(f"the scopes make {count:,} {of_what}")
        self.problem = Problem("bundle", 1, 1, str(self), f"use fewer scopes that cross each other; {limit:,} are let")


class Layerings(Generic[Made]):
    """Chooses what was made of the layers that apply to an ad at a time; `lay_over` makes one."""

    def __init__(
        self, scopes: "_Scopes", timelines: "Mapping[int, _Timeline[Made]]", made: Mapping[Layering, Made]
    ) -> None:
        self.all = made
        self._scopes = scopes
        self._timelines = timelines
        self._remembered: dict[Triple, _Timeline[Made]] = {}

    def choose(self, ad: Triple, as_of: datetime) -> Made:
        """Return what applies to an ad with (market, vertical, product) at a moment."""
        timeline = self._remembered.get(ad)
        if timeline is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()  # an ad may name any vertical
            timeline = self._remembered[ad] = self._timelines[self._scopes.cover(ad)]
        return timeline.at(as_of)

    def change(self, make: Callable[[Made], Changed]) -> "Layerings[Changed]":
        """Return the same layerings with something else made of each."""
        changed = {layering: make(made) for layering, made in self.all.items()}
        timelines = {bits: timeline.take_from(changed) for bits, timeline in self._timelines.items()}
        return Layerings(self._scopes, timelines, changed)


def lay_over(layers: Iterable[Layer], make: Callable[[Layering], Made]) -> Layerings[Made]:
    """Make something of each layering that can occur. Raises `TooManyLayeringsError`."""
    scopes = _Scopes(sorted(layers, key=lambda layer: specificity(layer.strategy.scope), reverse=True))
    stretches = {bits: _list_stretches(scopes.layers_of(bits)) for bits in scopes.list_occurring()}
    occurring = dict.fromkeys(layering for _, layerings in stretches.values() for layering in layerings)
    made = {layering: make(layering) for layering in occurring}
    timelines = {bits: _Timeline(turns, layerings, made) for bits, (turns, layerings) in stretches.items()}
    return Layerings(scopes, timelines, made)


def _list_stretches(layers: Layering) -> tuple[list[datetime], list[Layering]]:
    """Return when something changes, and what applies before the first turn, from it on, and so forth."""
    periods = [layer.strategy.effective for layer in layers]
    turns = sorted({turn for period in periods for turn in (period.start, period.until) if turn})
    before = tuple(layer for layer in layers if layer.strategy.effective.start is None)
    after = [tuple(layer for layer in layers if holds_at(layer.strategy.effective, turn)) for turn in turns]
    return turns, [before, *after]


class _Scopes:
    """Which of the strategies, the most specific first, cover an ad; as bits."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._any = [self._bits_of(name, None) for name in DIMENSIONS]
        self._named = [{value: self._bits_of(name, value) for value in self._values(name)} for name in DIMENSIONS]

    def cover(self, ad: Triple) -> int:
        bits = -1
        for named, unnamed, value in zip(self._named, self._any, ad, strict=True):
            bits &= named.get(value, unnamed)
        return bits

    def layers_of(self, bits: int) -> Layering:
        return tuple(layer for index, layer in enumerate(self._layers) if bits >> index & 1)

    def list_occurring(self) -> set[int]:
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

    def _values(self, dimension: str) -> set[str]:
        named = (getattr(layer.strategy.scope, dimension) for layer in self._layers)
        return {value for values in named if not is_any(values) for value in values}

    def _bits_of(self, dimension: str, value: str | None) -> int:
        scopes = (getattr(layer.strategy.scope, dimension) for layer in self._layers)
        return sum(1 << index for index, values in enumerate(scopes) if is_any(values) or value in values)


class _Timeline(Generic[Made]):
    """What applies before the first turn, from it on, from the second on, and so forth."""

    def __init__(self, turns: list[datetime], layerings: list[Layering], made: Mapping[Layering, Made]) -> None:
        self._turns, self._layerings = turns, layerings
        self._choices = [made[layering] for layering in layerings]

    def take_from(self, made: Mapping[Layering, Changed]) -> "_Timeline[Changed]":
        return _Timeline(self._turns, self._layerings, made)

    def at(self, as_of: datetime) -> Made:
        return self._choices[bisect_right(self._turns, as_of) if self._turns else 0]
