"""The heart: submissions, a bundle and a time in, decisions and review tasks out.

Pure: no Kafka, no clock, no metrics. An ad's result does not depend on its neighbours in the batch. The live worker,
the command line, backtests, replays and tests all call this, so what was tried out is what runs.

`moderate` decides by one bundle, `moderate_deployed` by what a worker has in force: live, candidate, rollout, blocks.
"""

from service.answer import LiveBundle, Received
from service.moderate.deciding import Moderated, moderate, moderate_or_review
from service.moderate.deployed import DeployedResult, moderate_deployed
from service.moderate.pairs import ArmRuling, Pair, PendingPairs

__all__ = [
    "ArmRuling",
    "DeployedResult",
    "LiveBundle",
    "Moderated",
    "Pair",
    "PendingPairs",
    "Received",
    "moderate",
    "moderate_deployed",
    "moderate_or_review",
]
