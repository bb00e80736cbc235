"""The figures of a report: shares and changes with their intervals, and how they are made from counts."""

from pydantic import BaseModel, ConfigDict, Field

from service.backtest.intervals import CONFIDENCE, Pairs, estimate_change, estimate_share, two_sided

_DECIMALS = 6


class Figures(BaseModel):
    """A part of the report; frozen, and nothing in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Share(Figures):
    """`count` of `of`, with Wilson's interval at 95 %; the shares are None where `of` is 0."""

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


class Change(Figures):
    """How a share of the same ads changed, in shares (0.01 is a point), with Newcombe's interval at 95 %."""

    of: int = Field(description="Ads that were looked at, the same before and after.")
    gained: int = Field(description="Ads that have the property only with the candidate.")
    lost: int = Field(description="Ads that have it only with the baseline.")
    change: float | None
    low: float | None
    high: float | None


def make_share(count: int, of: int) -> Share:
    """Return the figures of a share."""
    if of == 0:
        return Share(count=count, of=0, share=None, low=None, high=None)
    low, high = estimate_share(count, of, two_sided(CONFIDENCE))
    return Share(count=count, of=of, share=tidy(count / of), low=tidy(low), high=tidy(high))


def make_change(pairs: Pairs) -> Change:
    """Return the figures of a change."""
    if pairs.total == 0:
        return Change(of=0, gained=0, lost=0, change=None, low=None, high=None)
    low, high = estimate_change(pairs, two_sided(CONFIDENCE))
    return Change(
        of=pairs.total,
        gained=pairs.only_after,
        lost=pairs.only_before,
        change=tidy(pairs.change),
        low=tidy(low),
        high=tidy(high),
    )


def tidy(number: float) -> float:
    """Return a number as reports hold it: six decimals, no negative zero."""
    return round(number, _DECIMALS) + 0.0
