"""What tests of the shadow share: two small bundles that differ, and chunks that live has decided under them."""

from collections.abc import Sequence
from pathlib import Path

from service.deployment import Deployment
from service.moderate import LiveBundle, PendingPairs, moderate_deployed
from service.release.rollout import Rollout
from tests.moderating import NOW, make_classifier, make_small_bundle, say

CLASSIFIER = make_classifier({"maybe": (0.5, 0.0)})
ROLLOUT = Rollout("r-1", "b" * 64, 1.0, sequence=7)


class BrokenStrategies:
    """The strategies of a bundle, but whoever asks for one gets an error."""

    def __init__(self, whole: LiveBundle) -> None:
        self._whole = whole.strategies

    def __getattr__(self, name: str) -> object:
        return getattr(self._whole, name)

    def strategy_for(self, *_: object) -> None:
        raise RuntimeError("the candidate is broken")


def make_live(folder: Path) -> LiveBundle:
    return make_small_bundle(folder / "live", CLASSIFIER)


def make_candidate(folder: Path, name: str = "candidate", version: str = "8") -> LiveBundle:
    """Return a bundle that rejects by a lower threshold what live sends to review: "maybe"."""
    changes = ('"7"', f'"{version}"'), ("0.4, reject_above: 0.9", "0.4, reject_above: 0.5")
    return make_small_bundle(folder / name, CLASSIFIER, *changes)


def break_bundle(bundle: LiveBundle) -> LiveBundle:
    return bundle._replace(strategies=BrokenStrategies(bundle))  # type: ignore[arg-type]


def decide(deployment: Deployment, headlines: Sequence[str], start: int = 0) -> PendingPairs:
    """Return the pairs of a chunk: one ad a headline, each of an advertiser of its own."""
    ads = [
        say(headline, f"ad-{number}", number, advertiser={"id": f"adv-{number}"})
        for number, headline in enumerate(headlines, start)
    ]
    pairs = moderate_deployed(ads, deployment, NOW).pairs
    assert pairs is not None
    return pairs
