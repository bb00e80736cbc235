"""The ledger as a command sees it: read and folded, then written at its end, where somebody else may be quicker.

Nothing is written that would be refused: the entry is taken by this side first, by the workers' own function.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from service.contracts.ledger import AnyEntry, Envelope, name_entry
from service.release.folding import Folded, fold_records, take_record
from service.release.ledger import Ledger, LedgerRefusedError, SignedEntry, read_envelope
from service.release.packing import PackedBundle, PackingError
from service.release.signing import PublicKeys, verify
from service.settings import Settings
from service.worker.connection import BrokerUnreachableError, Connection, build_connection
from service.worker.strategy_topic import StrategyTopic, open_strategies, write_bundle, write_records

_READ_BACK_S = 30.0


class LostRaceError(RuntimeError):
    """Somebody else wrote the same entry of the ledger first; nothing of ours is in force."""


class LedgerAccess:
    """The ledger as of `read`, and then as of the last `append`; made by `open_ledger`."""

    def __init__(self, settings: Settings, connection: Connection, topic: StrategyTopic, folded: Folded) -> None:
        self.ledger, self.refused = folded
        self.topic = topic
        self._connection, self._name = connection, settings.strategies_topic
        self._keys, self._allow_unsigned = load_keys(settings), settings.allow_unsigned_strategies

    def make(self, kind: Callable[..., AnyEntry], author: str, reason: str, **fields: Any) -> AnyEntry:  # noqa: ANN401
        """Return the entry that would come next. Raises ValidationError for fields that no entry can have."""
        place = {"sequence": self.ledger.sequence + 1, "previous": self.ledger.last_hash}
        return kind(author=author, reason=reason, at=datetime.now(UTC), **place, **fields)

    def name_signers(self, envelope: Envelope) -> frozenset[str]:
        """Return the names whose signatures hold, one a key."""
        return verify(envelope, self._keys)

    def require_acceptable(self, envelope: Envelope) -> SignedEntry:
        """Return the entry if the ledger would take it as its next. Raises LedgerRefusedError."""
        signed = read_envelope(envelope.model_dump_json().encode())
        self.ledger.take(signed, self._keys, allow_unsigned=self._allow_unsigned)
        return signed

    async def append(self, envelope: Envelope) -> Ledger:
        """Write an entry and return the state with it, once it was read back as the next of all.

        Raises LedgerRefusedError before anything is written; LostRaceError; BrokerUnreachableError.
        """
        signed = self.require_acceptable(envelope)
        key = name_entry(signed.entry.sequence, signed.sha256)
        await write_records(self._connection, self._name, [(key, envelope.model_dump_json().encode())])
        try:
            async with asyncio.timeout(_READ_BACK_S):
                return await self._read_back(key, signed.entry.sequence)
        except TimeoutError:
            text = f"entry {signed.entry.sequence} was written, but could not be read back within {_READ_BACK_S:.0f} s"
            raise BrokerUnreachableError(f"{text}; see by `sluice strategy history` whether it counts") from None

    async def keep_bundle(self, packed: PackedBundle) -> PackedBundle:
        """Write a bundle's chunks unless it lies in the topic whole; returns it as it lies there."""
        try:
            await self.topic.read_bundle(packed.sha256)
        except PackingError:
            await write_bundle(self._connection, self._name, packed)
            return packed
        chunks = tuple(await self.topic.read_chunks(packed.sha256))
        return PackedBundle(packed.sha256, chunks, sum(map(len, chunks)))

    async def write(self, key: str, value: bytes | None) -> None:
        """Write a record that is no entry, such as a proposal; None takes it away."""
        await write_records(self._connection, self._name, [(key, value)])

    async def _read_back(self, key: str, sequence: int) -> Ledger:
        async for record in self.topic.read_on():
            try:
                self.ledger = take_record(self.ledger, record, self._keys, allow_unsigned=self._allow_unsigned)
            except LedgerRefusedError:
                if record.key == key:
                    raise LostRaceError(_word_lost_race(self.ledger, sequence)) from None
            else:
                if record.key == key:
                    break
        return self.ledger


def load_keys(settings: Settings) -> PublicKeys:
    """Return the public keys whose signatures count; none if no folder is set. Raises KeyFileError."""
    return PublicKeys.none() if settings.strategy_keys_dir is None else PublicKeys.load(settings.strategy_keys_dir)


@asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[LedgerAccess]:
    """Read the ledger and keep the topic open. Raises KeyFileError, BrokerUnreachableError, RefusedByBrokerError."""
    keys, connection = load_keys(settings), build_connection(settings)
    async with open_strategies(connection, settings.strategies_topic) as topic:
        records = await topic.read_to_end()
        folded = fold_records(records, keys, allow_unsigned=settings.allow_unsigned_strategies)
        yield LedgerAccess(settings, connection, topic, folded)


def _word_lost_race(ledger: Ledger, sequence: int) -> str:
    by = ""
    if sequence <= ledger.sequence:
        entry = ledger.history[sequence - 1].entry
        by = f" ({entry.kind} by {entry.author}: {entry.reason})"
    text = f"somebody else wrote entry {sequence} first{by}; yours is not in force"
    return f"{text}: look at `sluice strategy history` and run it again"
