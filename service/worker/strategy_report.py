"""Says how a worker's strategies stand: on the status topic, in the metrics, in /readyz; at changes and steadily."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from service.contracts.worker_status import WorkerStatus
from service.deployment import Deployment
from service.observability.metrics import Metrics
from service.observability.strategy_levels import StrategyLevels
from service.worker.in_force import InForce
from service.worker.monitor import Monitor
from service.worker.status_topic import StatusWriter
from service.worker.strategy_follower import StrategyFollower

_log = structlog.get_logger(__name__)
_LEAVE_WITHIN_S = 3.0


class Identity(NamedTuple):
    """Which worker it is."""

    worker: str
    group: str


class StrategyReport:
    """Words how the follower stands, and sends it."""

    def __init__(  # noqa: PLR0913 - who is looked at, and where it is told
        self,
        identity: Identity,
        writer: StatusWriter,
        *,
        follower: StrategyFollower,
        in_force: InForce,
        monitor: Monitor,
        metrics: Metrics,
        interval_s: float,
    ) -> None:
        self._identity, self._writer = identity, writer
        self._follower, self._in_force = follower, in_force
        self._monitor, self._metrics = monitor, metrics
        self._interval_s = interval_s
        self._swapped_at_s = 0.0
        self._due = asyncio.Event()
        self.running = False
        """Whether the worker decides ads."""
        self.tell_candidate_off: Callable[[], str] = str
        """Why the candidate is switched off; '' if it is not."""

    def note_change(self) -> None:
        """Tell everybody at once."""
        self._swapped_at_s = time.time()
        self.show()
        self._due.set()

    def show(self) -> None:
        """Show in the metrics and in /readyz how it stands now."""
        self._metrics.show_strategies_unreachable(self._follower.unreachable_s)
        deployment = self._in_force.deployment if self._follower.settled.is_set() else None
        if deployment is None:
            self._monitor.note_bundle(self._follower.waits_for, in_force=False)
            return
        halt, rollout = self._follower.standing.find_halt(), deployment.rollout
        self._metrics.show_rollout(rollout.percent if rollout else 0.0, halt.cause if halt else None)
        live = deployment.live.strategies
        origin = "of the worker's image" if deployment.source == "image" else "of the strategies topic"
        self._monitor.note_bundle(f"{live.version} {live.sha256[:12]} {origin}", in_force=True)
        self._metrics.show_strategies(
            StrategyLevels(
                live=live.ref,
                candidate=deployment.candidate.strategies.ref if deployment.candidate else None,
                source=deployment.source,
                sequence=self._follower.standing.settled_sequence,
                blocks=deployment.blocks.count_in_force(datetime.now(UTC)),
                swapped_at_s=self._swapped_at_s,
            ).list_levels()
        )

    def describe(self) -> WorkerStatus:
        """Return the worker's status of now."""
        deployment = self._in_force.deployment if self._follower.settled.is_set() else None
        starting = WorkerStatus(
            worker=self._identity.worker,
            group=self._identity.group,
            build=self._in_force.build,
            at=datetime.now(UTC),
            state="running" if self.running else "starting",
            sequence=self._follower.standing.settled_sequence,
            source="topic",
            live=None,
            refusals=tuple(self._follower.standing.refusals),
        )
        return starting if deployment is None else starting.model_copy(update=self._describe(deployment))

    def _describe(self, deployment: Deployment) -> dict[str, object]:
        candidate, rollout = deployment.candidate, deployment.rollout
        return {
            "source": deployment.source,
            "live": deployment.live.strategies.sha256,
            "live_version": deployment.live.strategies.version,
            "candidate": candidate.strategies.sha256 if candidate else None,
            "candidate_off": self.tell_candidate_off() if candidate else "",
            "rollout": rollout.id if rollout else None,
            "percent": rollout.percent if rollout else 0.0,
            "blocks": deployment.blocks.count_in_force(datetime.now(UTC)),
        }

    async def run(self) -> None:
        """Report until cancelled; a topic that cannot be written to is told once and tried again."""
        failing = False
        while True:
            self._due.clear()
            self.show()
            try:
                await self._writer.write(self.describe())
                failing = False
            except Exception as error:  # noqa: BLE001 - a worker that cannot report still decides
                if not failing:
                    _log.warning("status_not_reported", why=str(error) or repr(error))
                failing = True
                await self._drop_connection()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._due.wait()

    async def leave(self) -> None:
        """Say that the worker is gone, if the broker lets it."""
        try:
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                await self._writer.leave()
        except Exception as error:  # noqa: BLE001 - its last report grows old, which says the same later
            _log.warning("status_not_reported", why=str(error) or repr(error))
        await self._drop_connection()

    async def _drop_connection(self) -> None:
        with suppress(Exception):
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                await self._writer.close()
