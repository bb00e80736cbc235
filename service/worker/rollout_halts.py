"""Follows which rollouts a guard rail has stopped, and writes down what this worker has found itself.

A halt binds the entry of the ledger that set the rollout's width, and those before it. Whoever sets it again, knowing,
writes a later entry, and is not bound.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from service.contracts.control import Halt
from service.deployment import Deployment
from service.release.rollout import Rollout
from service.worker.rollout_watch import Finding

_log = structlog.get_logger(__name__)

_RETRY_S = 1.0

RecordHalt = Callable[[Halt], Awaitable[None]]


class RolloutHalts:
    """The latest halt of each rollout. `follow` is called whenever one is new."""

    def __init__(self, worker: str, record: RecordHalt, follow: Callable[[], None], retry_s: float = _RETRY_S) -> None:
        self._worker = worker
        self._record = record
        self._follow = follow
        self._retry_s = retry_s
        self._halts: dict[str, Halt] = {}

    def find(self, rollout: Rollout | None) -> Halt | None:
        """Return the halt that binds a rollout, if one does."""
        halt = self._halts.get(rollout.id) if rollout is not None else None
        return halt if halt is not None and rollout is not None and halt.sequence >= rollout.sequence else None

    def restrict(self, deployment: Deployment) -> Deployment:
        """Return the deployment as it may be used: without a rollout that is halted; the candidate stays a shadow."""
        return deployment._replace(rollout=None) if self.find(deployment.rollout) is not None else deployment

    def apply(self, halt: Halt) -> None:
        """Take what the control topic says."""
        known = self._halts.get(halt.rollout)
        if known is not None and known.sequence >= halt.sequence:
            return
        self._halts[halt.rollout] = halt
        _log.error(
            "rollout_halted",
            rollout=halt.rollout,
            sequence=halt.sequence,
            cause=halt.cause,
            message=halt.message,
            worker=halt.worker,
        )
        self._follow()

    async def halt(self, finding: Finding) -> None:
        """Stop a rollout here at once, and everywhere once it is written down; tries until it is."""
        rollout, breach = finding
        if self.find(rollout) is not None:
            return
        halt = Halt(
            rollout=rollout.id,
            sequence=max(rollout.sequence, 1),
            cause=breach.cause,
            message=breach.message[:1_000],
            worker=self._worker,
            at=datetime.now(UTC),
        )
        self.apply(halt)
        while True:
            try:
                await self._record(halt)
            except Exception as error:  # noqa: BLE001 - the other workers have to hear of it, whatever it takes
                _log.warning("halt_not_recorded", rollout=rollout.id, error=repr(error))
                await asyncio.sleep(self._retry_s)
            else:
                return
