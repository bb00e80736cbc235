"""The geometry of the page's pictures of slices: one below the other on one axis, each with its interval.

Numbers only; the page's template draws them, and says in words what they show.
"""

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from service.backtest.flow_picture import WIDTH
from service.backtest.report import Slice
from service.backtest.wording import word_change, word_share, word_slice

_LEFT, _RIGHT = 250, WIDTH - 190
_ROW, _HEAD = 26, 34
_MOST_ROWS = 24
_TICKS = 4
_CRUMB = 1e-9
_SHOWN_WHOLE = 0.8
"""So large a part of the slices has its interval shown whole; one tiny slice must not flatten all others."""


class _Figure(NamedTuple):
    """A slice's figure, in points."""

    label: str
    of: int
    value: float
    low: float
    high: float
    told: str


class Row(NamedTuple):
    """A slice with its figure and interval on the axis."""

    label: str
    y: float
    ads: int
    x: float
    low: float
    high: float
    told: str
    certain: str


class Forest(NamedTuple):
    """Slices below each other on one axis; `zero` is where nothing changed."""

    height: float
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    zero: float | None
    left_out: int


def draw_changes(slices: Iterable[Slice], measure: str) -> Forest | None:
    """Return how a measure changed by slice, the largest slices only; None if nothing was looked at."""
    figures = []
    for one in slices:
        change = getattr(one.changes, measure)
        if change.change is not None:
            value, low, high = (number * 100 for number in (change.change, change.low, change.high))
            name = word_slice(one.dimension, one.value)
            figures.append(_Figure(name, change.of, value, low, high, word_change(change)))
    return _draw(figures, around=0.0)


def draw_shares(slices: Iterable[Slice], measure: str) -> Forest | None:
    """Return a measure of the candidate by slice."""
    figures = []
    for one in slices:
        share = getattr(one.candidate, measure)
        if share.share is not None:
            value, low, high = (number * 100 for number in (share.share, share.low, share.high))
            name = word_slice(one.dimension, one.value)
            figures.append(_Figure(name, share.of, value, low, high, word_share(share)))
    return _draw(figures, around=None)


def _draw(known: Sequence[_Figure], around: float | None) -> Forest | None:
    if not known:
        return None
    largest = sorted(range(len(known)), key=lambda index: (-known[index].of, index))[:_MOST_ROWS]
    figures = [known[index] for index in sorted(largest)]
    least, most, step = _choose_axis(figures, around)

    def place(value: float) -> float:
        share = (min(max(value, least), most) - least) / (most - least)
        return round(_LEFT + share * (_RIGHT - _LEFT), 1)

    rows = tuple(
        Row(
            one.label, _HEAD + number * _ROW, one.of,
            place(one.value), place(one.low), place(one.high), one.told, _tell_sure(one, around),
        )
        for number, one in enumerate(figures)
    )  # fmt: skip
    zero = place(0.0) if around is not None else None
    left_out = len(known) - len(figures)
    ticks = tuple(_mark_axis(least, most, step, place, "+" if around is not None else ""))
    return Forest(_HEAD + len(rows) * _ROW + 8, rows, ticks, zero, left_out)


def _choose_axis(figures: Sequence[_Figure], around: float | None) -> tuple[float, float, float]:
    """Return the axis' ends and the distance of its ticks."""
    reaches = sorted(max(abs(one.low), abs(one.high)) for one in figures)
    points = max(reaches[ceil(len(figures) * _SHOWN_WHOLE) - 1], 0.1, *(abs(one.value) for one in figures))
    step = _round_up(points / _TICKS)
    most = step * ceil(points / step - _CRUMB)
    return (0.0 if around is None else -most), most, step


def _mark_axis(
    least: float, most: float, step: float, place: Callable[[float], float], sign: str
) -> Iterable[tuple[float, str]]:
    count = round((most - least) / step)
    # On an axis to both sides every second tick is enough, counted from zero.
    values = [least + step * number for number in range(count + 1)]
    for value in values:
        if count <= _TICKS + 1 or round(value / step) % 2 == 0:
            yield place(value), f"{value:{sign}.3g}" if abs(value) > _CRUMB else "0"


def _tell_sure(one: _Figure, around: float | None) -> str:
    if around is None or one.low <= around <= one.high:
        return "unsure"
    return "grew" if one.low > around else "shrank"


def _round_up(number: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** floor(log10(number))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= number * (1 - 1e-9))
