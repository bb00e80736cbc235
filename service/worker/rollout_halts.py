"""Stops a rollout that this worker has found wanting: here at once, everywhere once it is written down.

A halt binds the entry of the ledger that set the rollout's width, and those before it. Whoever sets it again, knowing,
writes a later entry, and is not bound.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from service.contracts.control import Halt
from service.worker.rollout_watch import Finding

_log = structlog.get_logger(__name__)

_RETRY_S = 1.0
_MOST_CHARS = 1_000

RecordHalt = Callable[[Halt], Awaitable[None]]


class RolloutHalts:
    """Makes halts of findings. `apply` makes this worker follow one, `record` writes it where all workers find it."""

    def __init__(
        self, worker: str, apply: Callable[[Halt], None], record: RecordHalt, retry_s: float = _RETRY_S
    ) -> None:
        self._worker = worker
        self._apply = apply
        self._record = record
        self._retry_s = retry_s
        self._told: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def stop_rollout(self, finding: Finding) -> None:
        """Stop a rollout, once a width; must be called on the event loop."""
        rollout, breach = finding
        if self._told.get(rollout.id, 0) >= rollout.sequence:
            return
        self._told[rollout.id] = rollout.sequence
        halt = Halt(
            rollout=rollout.id,
            sequence=rollout.sequence,
            cause=breach.cause,
            message=breach.message[:_MOST_CHARS],
            worker=self._worker,
            at=datetime.now(UTC),
        )
        _log.error("guard_rail", rollout=halt.rollout, sequence=halt.sequence, cause=halt.cause, message=halt.message)
        self._apply(halt)
        task = asyncio.create_task(self._write_down(halt), name=f"halt-{halt.rollout}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give up what could not be written; a worker that goes on finds the same."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write_down(self, halt: Halt) -> None:
        while True:
            try:
                await self._record(halt)
            except Exception as error:  # noqa: BLE001 - the other workers have to hear of it, whatever it takes
                _log.warning("halt_not_recorded", rollout=halt.rollout, error=repr(error))
                await asyncio.sleep(self._retry_s)
            else:
                return
