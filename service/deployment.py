"""What a worker decides by at one moment: the live bundle, a candidate, a rollout, the blocks. Swapped as a whole."""

from typing import Literal, NamedTuple

from service.answer import LiveBundle
from service.release.blocks import NO_BLOCKS, Blocks
from service.release.rollout import Rollout


class Deployment(NamedTuple):
    """Immutable, so that a chunk of ads is decided by one of them from its first ad to its last.

    `sequence` is the last entry of the ledger that it holds, `source` where the live bundle came from. The candidate
    was checked with the same classifier, whose scores both bundles share.
    """

    live: LiveBundle
    candidate: LiveBundle | None = None
    rollout: Rollout | None = None
    blocks: Blocks = NO_BLOCKS
    sequence: int = 0
    source: Literal["topic", "image"] = "image"
