"""Follows the strategies topic: reads the ledger before the first ad, and puts in force what comes, between two chunks.

Three tasks share one reader: one takes ledger entries, so that blocks and rollouts are in force at once; one prepares
bundles, however long that takes; one asks the broker whether the topic still answers. An outage of the topic never
stops deciding: what is in force goes on.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog
from aiokafka.errors import KafkaError

from service.answer import LiveBundle
from service.contracts.control import Halt
from service.release.folding import fold_records, take_record
from service.release.ledger import Ledger, LedgerRefusedError, Placed
from service.release.signing import PublicKeys
from service.settings import Settings
from service.worker.connection import BrokerUnreachableError
from service.worker.deploying import Standing
from service.worker.entry_source import EntrySource, OpenTopic
from service.worker.in_force import InForce
from service.worker.preparing import BundleRefusedError, Preparer
from service.worker.topics_cluster import RefusedByBrokerError

_log = structlog.get_logger(__name__)

_RETRY_S = 1.0
_ANSWER_WITHIN_S = 5.0
_OUTAGES = (BrokerUnreachableError, RefusedByBrokerError, KafkaError, OSError)


class Watchers(NamedTuple):
    """Who is told: of a change; that it changed the build; what kind was refused; how many seconds a swap took."""

    changed: Callable[[], None]
    changed_build: Callable[[], None]
    refused: Callable[[str], None]
    swapped: Callable[[float], None]


class StrategyFollower:
    """Keeps `in_force` as the ledger wants it. All methods are called on the event loop."""

    def __init__(  # noqa: PLR0913 - the joint between the topic, the bundles and who is told
        self,
        settings: Settings,
        open_topic: OpenTopic,
        keys: PublicKeys,
        *,
        preparer: Preparer,
        in_force: InForce,
        standing: Standing,
        watchers: Watchers,
    ) -> None:
        self._settings, self._open_topic, self._keys = settings, open_topic, keys
        self._preparer, self._in_force, self._watchers = preparer, in_force, watchers
        self._allow_unsigned = settings.allow_unsigned_strategies
        self.standing = standing
        self.settled = asyncio.Event()
        """Set once something is in force."""
        self.waits_for = "the strategies topic was not read yet"
        self._answered_at_s = time.monotonic()
        self._due = asyncio.Event()

    @property
    def unreachable_s(self) -> float:
        """For how long the topic has not answered."""
        return time.monotonic() - self._answered_at_s

    def halt(self, record: Halt) -> None:
        """Stop a rollout, as the control topic says."""
        if self.standing.halt(record):
            _log.error("rollout_halted", **record.model_dump(exclude={"kind", "at"}))
            self._deploy()
            self._watchers.changed()

    async def run(self) -> None:
        """Follow until cancelled."""
        lost = False
        while True:
            try:
                async with self._open_topic() as topic:
                    await self._begin(topic)
                    lost = False
                    await self._go_on(topic)
            except* _OUTAGES as outage:
                why = "; ".join(str(error) or repr(error) for error in outage.exceptions)
                if not lost:
                    _log.warning("strategies_topic_lost", why=why, in_force=self.settled.is_set())
                lost = True
                self._start_without(why)
            except* Exception:  # noqa: BLE001 - whatever it is, ads are decided by what is in force
                _log.exception("strategies_not_followed", remedy="report it; what is in force goes on")
            await asyncio.sleep(_RETRY_S)

    async def _begin(self, topic: EntrySource) -> None:
        """Take all that lies in the topic, and prepare what is due before the first ad is decided."""
        folded = fold_records(await topic.read_to_end(), self._keys, allow_unsigned=self._allow_unsigned)
        self._answered_at_s = time.monotonic()
        for refused in folded.refused:
            self._note_refused_entry(refused)
        self._take(folded.ledger)
        keyless = not self._keys.keys and not self._allow_unsigned
        if folded.ledger.lives:
            self.waits_for = f"bundle {folded.ledger.lives[-1].bundle[:12]} is being prepared"
        elif any(refused.sequence for refused in folded.refused) and keyless:
            self.waits_for = "the topic holds strategies and this worker has no keys; set SLUICE_STRATEGY_KEYS_DIR"
        elif self._settings.image_bundle == "never":
            self.waits_for = "no bundle was ever published; run `sluice strategy publish`"
        else:
            self.standing.allow_image()
            self._deploy()
        self._watchers.changed()
        if not self.settled.is_set():
            await self._prepare_due(topic)

    async def _go_on(self, topic: EntrySource) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_entries(topic), name="take-entries")
            group.create_task(self._prepare_on(topic), name="prepare-bundles")
            group.create_task(self._ask_on(topic), name="ask-strategies-topic")

    def _start_without(self, why: str) -> None:
        if self.settled.is_set():
            return
        self.waits_for = f"the strategies topic cannot be read: {why}"
        if self._settings.image_bundle == "when_unreachable":
            self.standing.allow_image()
            self._deploy()
        self._watchers.changed()

    async def _take_entries(self, topic: EntrySource) -> None:
        async for record in topic.read_on():
            self._answered_at_s = time.monotonic()
            try:
                ledger = take_record(self.standing.ledger, record, self._keys, allow_unsigned=self._allow_unsigned)
            except LedgerRefusedError as error:
                self._note_refused_entry(error)
            else:
                self._take(ledger)

    def _take(self, ledger: Ledger) -> None:
        before = self.standing.ledger.sequence
        if lost := self.standing.take(ledger):
            self._note_refused(ledger.sequence, None, "history", lost.why)
            return
        for accepted in ledger.history[before:]:
            entry = accepted.entry
            _log.info("ledger_entry", sequence=entry.sequence, kind=entry.kind, author=entry.author, why=entry.reason)
        self._deploy()
        self._due.set()

    async def _prepare_on(self, topic: EntrySource) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            await self._prepare_due(topic)
            self._preparer.give_back_soon()

    async def _prepare_due(self, topic: EntrySource) -> None:
        while (placed := self.standing.find_unprepared()) is not None:
            started_s = time.monotonic()
            deployed = self._in_force.deployment
            try:
                bundle = await self._preparer.make_ready(topic, placed, deployed.live if deployed else None)
            except BundleRefusedError as error:
                if self.standing.refuse_bundle(placed, str(error)):
                    self._tell_refused(placed.sequence, placed.bundle, "bundle", str(error))
            else:
                self._add(placed, bundle, started_s)
            del deployed
            self._deploy()
        self._deploy()  # what was already in memory

    def _add(self, placed: Placed, bundle: LiveBundle, started_s: float) -> None:
        self.standing.add(placed, bundle)
        took_s = time.monotonic() - started_s
        _log.info("bundle_prepared", bundle=placed.bundle, version=placed.version, seconds=round(took_s, 3))
        self._watchers.swapped(took_s)

    async def _ask_on(self, topic: EntrySource) -> None:
        silent = False
        while True:
            await asyncio.sleep(self._settings.status_interval_s)
            try:
                async with asyncio.timeout(max(_ANSWER_WITHIN_S, self._settings.status_interval_s)):
                    await topic.ask()
            except (TimeoutError, *_OUTAGES) as error:
                if not silent:
                    _log.warning("strategies_topic_silent", why=repr(error), seconds=round(self.unreachable_s, 1))
                silent = True
            else:
                self._answered_at_s = time.monotonic()
                silent = False

    def _deploy(self) -> None:
        current = self._in_force.deployment if self.settled.is_set() else None
        due = self.standing.deploy(current)
        for sequence, why in self.standing.take_bad_blocks():
            self._tell_refused(sequence, None, "block", why)
        if due is None or due == current:
            return
        if self._in_force.put(due):
            self._watchers.changed_build()
        self.settled.set()
        live = due.live.strategies
        _log.info(
            "in_force",
            bundle=live.sha256,
            version=live.version,
            source=due.source,
            candidate=due.candidate.strategies.sha256 if due.candidate else None,
            percent=due.rollout.percent if due.rollout else 0.0,
            blocks=len(due.blocks.entries),
            sequence=due.sequence,
        )
        self._watchers.changed()

    def _note_refused_entry(self, error: LedgerRefusedError) -> None:
        self._note_refused(error.sequence, error.bundle, "entry", str(error))

    def _note_refused(self, sequence: int, bundle: str | None, cause: str, why: str) -> None:
        if self.standing.refuse(sequence, bundle, why):
            self._tell_refused(sequence, bundle, cause, why)

    def _tell_refused(self, sequence: int, bundle: str | None, cause: str, why: str) -> None:
        _log.error("strategies_refused", cause=cause, sequence=sequence, bundle=bundle, why=why)
        self._watchers.refused(cause)
        self._watchers.changed()
