"""Evaluates the candidate beside live, on the ads that live has decided, and can cost live nothing but idle time.

Live's side: `hold_back` around the scoring of a chunk, `reserve` for what it may keep of its ads until its commit, then
`offer`; `follow` when the deployment changes. None of them waits, and none raises what the candidate causes. An ad is
offered behind its commit, so each shadow decision stands beside a decision that counts, and there is at most one: a
chunk that is aborted and read again was never offered. What a crash, a full buffer or an outage of the broker takes is
lost, and counted where somebody is left to count.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import structlog

from service.deployment import Deployment
from service.moderate import PendingPairs
from service.observability.metrics import Metrics
from service.worker.rollout_watch import Finding
from service.worker.shadow_buffer import ShadowBuffer, Slice
from service.worker.shadow_judge import CandidateOff, Judgement, ShadowJudge
from service.worker.shadow_record import ShadowRecord
from service.worker.shadow_thread import LiveTurn, ShadowThread

_log = structlog.get_logger(__name__)


class Sender(Protocol):
    """Sends records, or counts that it could not."""

    def has_room(self) -> bool:
        """Say whether more records may be put; asked from any thread."""

    def put(self, records: Sequence[ShadowRecord]) -> None:
        """Have records sent soon."""

    def start(self) -> None:
        """Begin to send."""

    async def stop(self) -> None:
        """Send what waits, and end."""


class Shadow:
    """The shadow of one worker. Methods are called on the event loop, but for those of the thread's desk."""

    def __init__(
        self,
        judge: ShadowJudge,
        sender: Sender,
        metrics: Metrics,
        halt: Callable[[Finding], None],
        most_ads: int,
    ) -> None:
        self._judge = judge
        self._sender = sender
        self._metrics = metrics
        self._halt = halt
        self._turn = LiveTurn()
        self._buffer = ShadowBuffer(most_ads)
        self._most_ads = most_ads
        self._reserved = 0
        self._bundle: str | None = None
        self._sequence = 0
        self._off: CandidateOff | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ShadowThread(self._buffer, self._turn, self)

    @property
    def candidate_off(self) -> str:
        """Why the candidate is switched off in this worker; '' if it is not."""
        return f"{self._off.cause}: {self._off.message}" if self._off is not None else ""

    def start(self) -> None:
        """Begin to judge what is offered."""
        self._loop = asyncio.get_running_loop()
        self._sender.start()
        self._thread.start()

    async def stop(self) -> None:
        """End; what waits to be judged is dropped, what was judged is sent if the broker lets it."""
        await asyncio.to_thread(self._thread.stop)
        await asyncio.sleep(0)  # what the thread handed over last is taken now
        if left := len(self._buffer):
            self._metrics.record_shadow_dropped("stopped", left)
        await self._sender.stop()

    def follow(self, deployment: Deployment) -> None:
        """Turn to another deployment's candidate.

        One that was switched off stays so until another one comes, or a later entry sets a rollout of it: whoever does
        that wants it tried again, and no rollout may go on unwatched.
        """
        bundle = _name_candidate(deployment)
        sequence = deployment.rollout.sequence if deployment.rollout is not None else 0
        if bundle != self._bundle or sequence > self._sequence:
            self._bundle, self._off = bundle, None
            self._metrics.show_candidate_off(None)
        self._sequence = max(self._sequence, sequence)

    def hold_back(self) -> AbstractContextManager[None]:
        """Keep the shadow from the interpreter while a chunk is scored."""
        return self._turn.hold()

    def reserve(self, pairs: PendingPairs | None) -> PendingPairs | None:
        """Return what there is room for of a chunk whose decisions are yet to become durable: what it may keep.

        Chunks wait for their commit, longer when the broker is slow, and each ad would keep some kilobytes.
        """
        if pairs is None or self._drop_unwanted(pairs):
            return None
        room = max(0, self._most_ads - self._reserved - len(self._buffer))
        if dropped := max(0, len(pairs.items) - room):
            self._metrics.record_shadow_dropped("buffer_full", dropped)
        kept = pairs.items[:room]
        self._reserved += len(kept)
        return pairs._replace(items=kept) if kept else None

    def release(self) -> None:
        """Forget what was reserved: the chunks that wait are given up, and read again by the next owner."""
        self._reserved = 0

    def offer(self, pairs: PendingPairs | None) -> None:
        """Have a chunk's ads judged by the other bundle, now that their decisions are durable."""
        if pairs is None:
            return
        self._reserved = max(0, self._reserved - len(pairs.items))
        if self._drop_unwanted(pairs):
            return
        if dropped := self._buffer.offer(pairs):
            self._metrics.record_shadow_dropped("buffer_full", dropped)
        self._metrics.show_shadow_buffered(len(self._buffer))

    def _drop_unwanted(self, pairs: PendingPairs) -> bool:
        if self.wants(pairs):
            return False
        self._metrics.record_shadow_dropped("candidate_off", len(pairs.items))
        return True

    # The desk, of the shadow thread.

    def has_room(self) -> bool:
        """Say whether more records may be handed over."""
        return self._sender.has_room()

    def wants(self, pairs: PendingPairs) -> bool:
        """Say whether their candidate is the one of now, and not switched off."""
        return self._off is None and _name_candidate(pairs.deployment) == self._bundle

    def judge(self, taken: Slice) -> Judgement:
        """Judge some ads."""
        return self._judge.judge(taken)

    def deliver(self, judgements: list[Judgement]) -> None:
        """Have the event loop take what came of some slices."""
        # The loop may end before the thread does.
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, judgements)

    def drop(self, cause: str, ads: int) -> None:
        """Count ads that were not judged."""
        self._metrics.record_shadow_dropped(cause, ads)

    def _take(self, judgements: list[Judgement]) -> None:
        for records, tally, left_out, off, finding, evidence in judgements:
            self._metrics.record_shadow(tally)
            self._sender.put(records)
            if left_out:
                self._metrics.record_shadow_dropped("candidate_off", left_out)
            if evidence is not None:
                self._metrics.show_rollout_evidence(evidence)
            if off is not None and off.bundle == self._bundle:
                self._switch_off(off)
            if finding is not None:
                self._halt(finding)
        self._metrics.show_shadow_buffered(len(self._buffer))

    def _switch_off(self, off: CandidateOff) -> None:
        if self._off is None:
            remedy = "publish a candidate that is mended, or raise SLUICE_SHADOW_BUDGET_US and restart"
            _log.error("candidate_off", bundle=off.bundle, cause=off.cause, message=off.message, remedy=remedy)
        self._off = off
        self._metrics.show_candidate_off(off.cause)


def _name_candidate(deployment: Deployment) -> str | None:
    return deployment.candidate.strategies.ref.sha256 if deployment.candidate is not None else None
