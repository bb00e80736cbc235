"""The geometry of the page's first picture: how ads flow from the baseline's outcomes to the candidate's.

Numbers only; the page's template draws them, and says in words what they show.
"""

from typing import NamedTuple

from service.backtest.contest import OUTCOMES
from service.backtest.report import Report
from service.contracts.decision import Outcome

WIDTH = 760
_BAR = 18
_BAR_LEFT, _BAR_RIGHT = 170, WIDTH - 170 - _BAR
_HEIGHT, _TOP, _GAP, _THINNEST = 260.0, 34.0, 22.0, 2.0

_Pair = tuple[Outcome, Outcome]


class Bar(NamedTuple):
    """One outcome under one bundle."""

    outcome: str
    ads: int
    share: float
    x: float
    y: float
    height: float


class Ribbon(NamedTuple):
    """Ads that went from one outcome to another, as an SVG path."""

    before: str
    after: str
    ads: int
    path: str


class Flow(NamedTuple):
    """Baseline at the left, candidate at the right."""

    height: float
    left: tuple[Bar, ...]
    right: tuple[Bar, ...]
    ribbons: tuple[Ribbon, ...]


def draw_flow(report: Report) -> Flow:
    """Return how ads flow; without a baseline nothing moves."""
    counts = {(move.before, move.after): move.ads for move in report.moves}
    before = report.overall.baseline or report.overall.candidate
    for outcome, share in zip(OUTCOMES, (before.approved, before.reviewed, before.rejected), strict=True):
        gone = sum(counts.get((outcome, other), 0) for other in OUTCOMES if other is not outcome)
        counts[outcome, outcome] = share.count - gone
    total = max(report.overall.ads, 1)
    thick = {pair: max(ads / total * _HEIGHT, _THINNEST) for pair, ads in counts.items() if ads}
    left, starts = _stack(counts, thick, total, side=0)
    right, ends = _stack(counts, thick, total, side=1)
    ribbons = [Ribbon(*pair, counts[pair], _bend(starts[pair], ends[pair], thick[pair])) for pair in starts]
    # What moved is drawn last, above what stayed.
    ribbons.sort(key=lambda ribbon: (ribbon.before != ribbon.after, -ribbon.ads, ribbon.before, ribbon.after))
    height = max(bar.y + bar.height for bar in (*left, *right)) + _GAP
    return Flow(round(height, 1), left, right, tuple(ribbons))


def _stack(
    counts: dict[_Pair, int], thick: dict[_Pair, float], total: int, side: int
) -> tuple[tuple[Bar, ...], dict[_Pair, float]]:
    """Return the bars of one side (0: baseline), and where each ribbon begins on it."""
    bars: list[Bar] = []
    places: dict[_Pair, float] = {}
    y = _TOP
    for outcome in OUTCOMES:
        top, ads = y, 0
        for other in OUTCOMES:
            pair = (outcome, other) if side == 0 else (other, outcome)
            ads += counts.get(pair, 0)
            if pair in thick:
                places[pair] = y
                y += thick[pair]
        x = _BAR_LEFT if side == 0 else _BAR_RIGHT
        bars.append(Bar(outcome, ads, ads / total, x, round(top, 1), round(max(y - top, 1.0), 1)))
        # Two lines of text stand beside each bar.
        y += max(_GAP, 34.0 - (y - top))
    return tuple(bars), places


def _bend(start: float, end: float, thickness: float) -> str:
    x, to = _BAR_LEFT + _BAR, _BAR_RIGHT
    middle = (x + to) / 2
    top = f"M{x},{start:.1f} C{middle:.1f},{start:.1f} {middle:.1f},{end:.1f} {to},{end:.1f}"
    down, back = end + thickness, start + thickness
    return f"{top} L{to},{down:.1f} C{middle:.1f},{down:.1f} {middle:.1f},{back:.1f} {x},{back:.1f} Z"
