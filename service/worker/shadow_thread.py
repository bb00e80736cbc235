"""The thread that judges ads by the other bundle, while live has nothing to score.

Python runs one thread at a time. So that live need not fight for its turn, the shadow takes a few ads at a time, about
a millisecond, and only while no chunk is being scored. Under full load that moment may never come: then it takes one
slice after every 50 ms of waiting, some 2 % of the time, so that guard rails keep seeing; the buffer fills and drops.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

from service.moderate import PendingPairs
from service.worker.shadow_buffer import ShadowBuffer, Slice
from service.worker.shadow_judge import Judgement

_log = structlog.get_logger(__name__)

SLICE_ADS = 8
"""Judged in one go: about a millisecond."""

_MOST_KEPT = 32
_PATIENCE_S = 0.05
_IDLE_S = 0.5
_STOP_WITHIN_S = 2.0


class Desk(Protocol):
    """Where the thread gets its orders and leaves its results."""

    def has_room(self) -> bool:
        """Say whether whoever sends the records can take more."""

    def wants(self, pairs: PendingPairs) -> bool:
        """Say whether their candidate is still the one to judge by."""

    def judge(self, taken: Slice) -> Judgement:
        """Judge some ads."""

    def deliver(self, judgements: list[Judgement]) -> None:
        """Take what came of some slices; the thread does not touch the list again."""

    def drop(self, cause: str, ads: int) -> None:
        """Take note of ads that were not judged."""


class LiveTurn:
    """Says whether a chunk is being scored. Entered and left by the event loop, waited for by the shadow."""

    def __init__(self) -> None:
        self._idle = threading.Event()
        self._idle.set()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep the shadow back."""
        self._idle.clear()
        try:
            yield
        finally:
            self._idle.set()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is being scored, at most so long; says whether that is so."""
        return self._idle.wait(timeout_s)


class ShadowThread:
    """Takes slices from the buffer and hands over what came of them, until stopped.

    All of the desk's methods are called in this thread.
    """

    def __init__(self, buffer: ShadowBuffer, turn: LiveTurn, desk: Desk) -> None:
        self._buffer = buffer
        self._turn = turn
        self._desk = desk
        self._done: list[Judgement] = []
        self._stopping = threading.Event()
        # A daemon: an evaluation that never ends must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the slice that is judged now; waits at most two seconds for it."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._desk.has_room():
                self._stopping.wait(_PATIENCE_S)
            elif (taken := self._buffer.take(SLICE_ADS)) is not None:
                self._take(taken)
            else:
                self._hand_over()
                self._buffer.wait_filled(_IDLE_S)
        self._hand_over()

    def _take(self, taken: Slice) -> None:
        if not self._desk.wants(taken.pairs):
            self._desk.drop("candidate_off", len(taken.items))
            return
        self._turn.wait_idle(_PATIENCE_S)
        try:
            judgement = self._desk.judge(taken)
        except Exception as error:  # noqa: BLE001 - whatever it is, live goes on and so does the shadow
            # Its message may hold texts of the ad.
            _log.error("shadow_failed", error=type(error).__name__, ads=len(taken.items))
            self._desk.drop("failed", len(taken.items))
            return
        self._done.append(judgement)
        if judgement.off or judgement.finding or len(self._done) >= _MOST_KEPT:
            self._hand_over()

    def _hand_over(self) -> None:
        # Each hand-over wakes the event loop.
        if self._done:
            self._desk.deliver(self._done)
            self._done = []
