"""A worker's strategies from start to end: what is followed, how it is told, and what waits for the first bundle."""

import asyncio
from collections.abc import Callable
from functools import partial

from service import __version__
from service.contracts.control import Halt
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.deploying import Standing
from service.worker.loaded import Loaded
from service.worker.monitor import Monitor
from service.worker.preparing import Preparer
from service.worker.shadow import Shadow
from service.worker.status_topic import StatusWriter
from service.worker.strategy_follower import StrategyFollower, Watchers
from service.worker.strategy_report import Identity, StrategyReport
from service.worker.strategy_topic import open_strategies


class Strategies:
    """Follower, preparer and report of one worker; `begin_build` is called when another build has come into force."""

    def __init__(  # noqa: PLR0913 - who decides, who watches, and who is told
        self,
        settings: Settings,
        loaded: Loaded,
        worker: str,
        *,
        monitor: Monitor,
        begin_build: Callable[[], None],
        shadow: Shadow,
    ) -> None:
        connection = build_connection(settings)
        self._settings, self._loaded, self._begin_build = settings, loaded, begin_build
        self._shadow = shadow
        self._preparer = Preparer(loaded.prepare)
        self._follower = StrategyFollower(
            settings,
            partial(open_strategies, connection, settings.strategies_topic),
            loaded.keys,
            preparer=self._preparer,
            in_force=loaded.in_force,
            standing=Standing(loaded.take_image()),
            watchers=Watchers(
                self._note_change, self._note_build, loaded.metrics.record_refusal, loaded.metrics.record_swap
            ),
        )
        self.report = StrategyReport(
            Identity(worker, settings.group),
            StatusWriter(connection, settings.strategy_status_topic, worker),
            follower=self._follower,
            in_force=loaded.in_force,
            monitor=monitor,
            metrics=loaded.metrics,
            interval_s=settings.status_interval_s,
        )
        self.report.tell_candidate_off = lambda: shadow.candidate_off
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow and to report."""
        self._tasks = [
            asyncio.create_task(self._follower.run(), name="follow-strategies"),
            asyncio.create_task(self.report.run(), name="report-strategies"),
        ]

    async def wait_in_force(self, stopping: asyncio.Event) -> bool:
        """Wait until a bundle is in force; False if the worker is to stop first."""
        waits = [asyncio.create_task(self._follower.settled.wait()), asyncio.create_task(stopping.wait())]
        try:
            await asyncio.wait([*waits, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for task in self._tasks:
            if task.done():
                task.result()  # neither ends by itself; what ended it is the worker's end too
        return self._follower.settled.is_set()

    def halt(self, record: Halt) -> None:
        """Stop a rollout, as the control topic says."""
        self._follower.halt(record)

    async def stop(self) -> None:
        """End, and say on the status topic that the worker is gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._preparer.close()
        if self._tasks:
            await self.report.leave()

    def _note_change(self) -> None:
        if (deployment := self._loaded.in_force.deployment) is not None:
            self._shadow.follow(deployment)
        self.report.note_change()

    def _note_build(self) -> None:
        self._loaded.metrics.show_build(__version__, self._loaded.build, self._settings.delivery)
        self._begin_build()
