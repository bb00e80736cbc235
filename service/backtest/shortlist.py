"""Chooses the ads that tell most about a change, the same ones however the ads were cut into blocks.

First come ads on which a person's verdict says that the candidate is wrong, then moves by two steps (approve to
reject) before moves by one, then the most expected harm in the stricter ruling (the policy's weight x how sure it is);
ties go by the ad's id, revision and place.
"""

from collections.abc import Iterable
from heapq import nsmallest
from typing import NamedTuple

from service.backtest.ads import AdRecord

LENGTH = 20


class Rank(NamedTuple):
    """An ad's place in the order: the most telling sorts first, and no two ads are equal."""

    not_wrong: bool
    minus_steps: int
    minus_harm: float
    ad_id: str
    revision: int
    partition: int
    offset: int


class Shortlist:
    """The most telling ads so far; a block's list holds the ads' bytes, and at the end they are decided in full."""

    def __init__(self, ranked: Iterable[tuple[Rank, AdRecord]] = ()) -> None:
        self.ranked = nsmallest(LENGTH, ranked, key=lambda pair: pair[0])

    def merge(self, other: "Shortlist") -> None:
        """Keep the most telling of both."""
        self.ranked = nsmallest(LENGTH, [*self.ranked, *other.ranked], key=lambda pair: pair[0])

    @property
    def ads(self) -> list[AdRecord]:
        """The ads, the most telling first."""
        return [record for _, record in self.ranked]
