"""Which advertisers a rollout hands to the candidate: a share that only grows while the percentage does.

An advertiser's place between 0 and 1 is a hash of the rollout's name and its id, so its 1 % lies inside its 10 %, all
its ads meet the same arm, and another rollout draws other advertisers. As in overlapping experiments: Tang, Agarwal,
O'Brien, Meyer: Overlapping experiment infrastructure, KDD 2010.
"""

import hashlib
from typing import NamedTuple

from service.contracts.ledger import RolloutScope, SetRollout
from service.contracts.submission import Submission

_PLACES = 2**64


def place_advertiser(rollout: str, advertiser: str) -> float:
    """Return where in [0, 1) the rollout sees the advertiser."""
    digest = hashlib.sha256(f"{rollout}\x1f{advertiser}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _PLACES


class Rollout(NamedTuple):
    """A rollout in force. `sequence`: the ledger entry that set it so wide."""

    id: str
    bundle: str
    percent: float
    scope: RolloutScope = RolloutScope()
    sequence: int = 0

    def concerns(self, ad: Submission) -> bool:
        """Tell whether the ad lies in the rollout's scope, in whichever arm."""
        scope = self.scope
        return (
            (not scope.verticals or ad.vertical in scope.verticals)
            and (not scope.markets or ad.market in scope.markets)
            and (not scope.products or ad.product in scope.products)
        )

    def includes(self, ad: Submission) -> bool:
        """Tell whether the candidate decides the ad."""
        return self.concerns(ad) and place_advertiser(self.id, ad.advertiser.id) < self.percent / 100.0


def read_rollout(entry: SetRollout) -> Rollout:
    """Return the rollout that a ledger entry sets."""
    return Rollout(entry.rollout, entry.bundle, entry.percent, entry.scope, entry.sequence)
