"""Decides approved live ads again by a bundle, behind live traffic, and supersedes the decisions that are now worse.

Two passes over the ads: the first learns whose decisions matter, the second decides. Then what was found is sent, the
most harmful first; right before, the decisions topic is read once more, so that an ad that a person or a newer
revision has settled meanwhile is left alone. Whoever repeats or interrupts a rescan supersedes no ad twice.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal, NamedTuple

from service.contracts.decision import Outcome
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.contracts.submission import Submission
from service.moderate import LiveBundle, Received, moderate_or_review
from service.release.blocks import Blocks
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.fitting import SizeLimits
from service.worker.group_lag import open_lag_meter
from service.worker.pacing import Pace
from service.worker.rescan_findings import Finding, Findings, FindingWriter, is_worse
from service.worker.rescan_past import LastDecision, PastDecisions
from service.worker.rescan_sending import open_rescan_producer, send_findings
from service.worker.topic_reading import TopicReader, open_topic

_BLOCK_ADS = 256
_BATCH_RECORDS = 100

Count = Literal[
    "read", "unreadable", "no_decision", "other_revision", "not_approved", "by_a_person", "decided", "failed",
    "approve", "review", "reject", "sent", "settled_meanwhile",
]  # fmt: skip


class RescanPlan(NamedTuple):
    """What to decide by and how fast: at most `rate` ads a second, none while the group's lag is above `max_lag`."""

    bundle: LiveBundle
    blocks: Blocks
    limits: SizeLimits
    rate: float
    max_lag: int
    dry_run: bool = False


class RescanProgress(NamedTuple):
    """How far it is. `waiting_for`: the lag that is waited for, if it is."""

    phase: Literal["listing", "deciding", "sending"]
    done: int
    total: int | None
    counts: Counter[Count]
    waiting_for: int | None = None


class _Due(NamedTuple):
    received: Received
    last: LastDecision
    value: bytes


class _Open(NamedTuple):
    """What is open while it runs. `producer` is None in a dry run."""

    producer: Any
    decisions: TopicReader
    past: PastDecisions
    pace: Pace
    findings: Findings


class Rescan:
    """One run. `read_ads` yields the values of the ads' submissions; it is asked twice, in a thread of its own."""

    def __init__(self, settings: Settings, plan: RescanPlan, read_ads: Callable[[], Iterator[bytes | None]]) -> None:
        self._settings, self._plan, self._read_ads = settings, plan, read_ads
        self._writer = FindingWriter(plan.bundle, plan.limits)
        self._connection = build_connection(settings)
        self.counts: Counter[Count] = Counter()

    async def run(self) -> AsyncGenerator[RescanProgress, None]:
        """Run it and yield how far it is. Raises BrokerUnreachableError, RefusedByBrokerError, RescanInterruptedError.

        What is counted as sent is durable.
        """
        async with AsyncExitStack() as stack:
            reading = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="ads"))
            ads: set[bytes] = set()
            async for block in self._read_blocks(reading):
                ads.update(submission.ad_id.encode() for submission, _ in block)
                self.counts["read"] += len(block)
                yield RescanProgress("listing", self.counts["read"], None, self.counts)
            opened = await self._open(stack, ads)
            async for progress in self._decide_all(reading, opened):
                yield progress
            if not self._plan.dry_run:
                async for progress in self._send_all(opened):
                    yield progress

    async def _open(self, stack: AsyncExitStack, ads: set[bytes]) -> _Open:
        settings, connection = self._settings, self._connection
        # First, so that whatever an earlier rescan began to send is settled before the decisions are read.
        producer = await self._open_producer(stack)
        decisions = await stack.enter_async_context(open_topic(connection, settings.decisions_topic))
        past = PastDecisions(ads)
        await past.catch_up(decisions)
        meter = await stack.enter_async_context(open_lag_meter(connection, settings.group, settings.submissions_topic))
        findings = Findings()
        stack.callback(findings.close)
        return _Open(producer, decisions, past, Pace(self._plan.rate, self._plan.max_lag, meter.measure), findings)

    async def _open_producer(self, stack: AsyncExitStack) -> Any:  # noqa: ANN401 - aiokafka is untyped
        if self._plan.dry_run:  # it must fence nobody
            return None
        return await stack.enter_async_context(open_rescan_producer(self._settings, self._connection))

    async def _decide_all(self, reading: Executor, opened: _Open) -> AsyncIterator[RescanProgress]:
        pace = opened.pace
        seen: set[str] = set()
        done = 0
        async for block in self._read_blocks(reading):
            due = [found for ad in block if (found := self._select(*ad, opened.past, seen)) is not None]
            await pace.wait(len(due))
            await asyncio.to_thread(self._decide, due, opened.findings)
            done += len(block)
            yield RescanProgress("deciding", done, self.counts["read"], self.counts, pace.waiting_for)

    def _select(self, submission: Submission, value: bytes, past: PastDecisions, seen: set[str]) -> _Due | None:
        """Return the ad with its decision if it is to be decided again; count why not."""
        last = past.find(submission.ad_id)
        if submission.ad_id in seen:
            return None
        if last is None:
            self.counts["no_decision"] += 1
        elif last.revision != submission.revision:
            self.counts["other_revision"] += 1
        elif last.outcome is not Outcome.APPROVE:
            self.counts["not_approved"] += 1
        elif last.sequence > 0:
            self.counts["by_a_person"] += 1
        else:
            seen.add(submission.ad_id)
            return _Due(Received(submission, last.origin, last.received_at), last, value)
        return None

    def _decide(self, due: Sequence[_Due], findings: Findings) -> None:
        plan = self._plan
        results = moderate_or_review([one.received for one in due], plan.bundle, datetime.now(UTC), plan.blocks)
        for one, result in zip(due, results, strict=True):
            self.counts["decided"] += 1
            outcome = result.decision.outcome
            if outcome is not Outcome.APPROVE and not is_worse(result.decision):
                self.counts["failed"] += 1
                continue
            if outcome is not Outcome.APPROVE:
                self._writer.write(result, one.last, one.value, findings)
            self.counts[outcome.value] += 1

    async def _send_all(self, opened: _Open) -> AsyncIterator[RescanProgress]:
        producer, decisions, past, pace, findings = opened
        done = 0
        size = max(1, min(_BATCH_RECORDS, round(self._plan.rate)))
        for batch in _cut(findings.take_all(), size):
            await pace.wait(len(batch))
            await past.catch_up(decisions)
            still = [one for one in batch if _still_applies(one, past)]
            if still:
                await send_findings(producer, self._settings, still)
            done += len(batch)
            self.counts["sent"] += len(still)
            self.counts["settled_meanwhile"] += len(batch) - len(still)
            yield RescanProgress("sending", done, len(findings), self.counts, pace.waiting_for)

    async def _read_blocks(self, reading: Executor) -> AsyncIterator[list[tuple[Submission, bytes]]]:
        """Yield the ads that can be read, a block at a time; reading and parsing go on in the thread."""
        loop = asyncio.get_running_loop()
        values = await loop.run_in_executor(reading, self._read_ads)
        self.counts["unreadable"] = 0
        try:
            while (block := await loop.run_in_executor(reading, _read_block, values)) is not None:
                ads, unreadable = block
                self.counts["unreadable"] += unreadable
                yield ads
        finally:
            if (close := getattr(values, "close", None)) is not None:
                await loop.run_in_executor(reading, close)


def _read_block(values: Iterator[bytes | None]) -> tuple[list[tuple[Submission, bytes]], int] | None:
    taken = list(islice(values, _BLOCK_ADS))
    ads = [(submission, value) for value in taken if value and (submission := _read(value)) is not None]
    return (ads, len(taken) - len(ads)) if taken else None


def _read(value: bytes) -> Submission | None:
    try:
        return read_submission(value)[0]
    except UnreadableSubmissionError:
        return None


def _still_applies(finding: Finding, past: PastDecisions) -> bool:
    last = past.find(finding.ad_id)
    return last is not None and last.decision_id == finding.supersedes


def _cut(findings: Iterable[Finding], size: int) -> Iterator[list[Finding]]:
    iterator = iter(findings)
    while batch := list(islice(iterator, size)):
        yield batch
