"""Reads and writes `ads.strategies`: the ledger's records, followed as they come, and the bundles' chunks.

Nothing is judged here that `release` can judge: who follows folds the records, and a bundle comes out of `read_bundle`
only if its content has the hash that was asked for. Chunks are not kept in memory, only where they lie.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from service.contracts.ledger import CHUNK_PREFIX, LEDGER_PREFIX, PROPOSAL_PREFIX, name_chunk
from service.release.folding import LedgerRecord
from service.release.ledger import Placed
from service.release.opening import open_bundle
from service.release.packing import PackedBundle, PackingError, read_count, unpack_bundle
from service.worker.connection import Connection, tell_unreachable
from service.worker.topic_reading import ReadRecord, TopicReader, open_topic
from service.worker.topics_cluster import REQUEST_TIMEOUT_MS

_PARTITION = 0
_BEHIND_LINGER_MS = 5


class StrategyTopic:
    """An open reader of the topic; made by `open_strategies`. First `read_to_end`, then `read_on`."""

    def __init__(self, connection: Connection, topic: str, reader: TopicReader) -> None:
        self._connection, self._topic, self._reader = connection, topic, reader
        self._places: dict[str, dict[int, int]] = {}  # bundle → chunk's number → offset
        self.proposals: dict[str, bytes] = {}
        """Bundle → the envelope that waits for signatures."""

    @property
    def stored(self) -> tuple[str, ...]:
        """The hashes of the bundles whose chunks were passed by, published or not."""
        return tuple(bundle for bundle, places in self._places.items() if places)

    async def read_to_end(self) -> list[LedgerRecord]:
        """Return the ledger's records that lie in the topic now, in its order; remembers where chunks lie.

        Raises BrokerUnreachableError.
        """
        return [found async for record in self._reader.read_to_end() if (found := self._sort(record)) is not None]

    async def read_on(self) -> AsyncIterator[LedgerRecord]:
        """Yield the ledger's records that come after, for ever; an outage of the broker is waited out."""
        async for record in self._reader.read_on():
            if (found := self._sort(record)) is not None:
                yield found

    async def ask(self) -> None:
        """Have the topic answer. Raises BrokerUnreachableError, KafkaError if it does not."""
        with tell_unreachable(self._connection):
            await self._reader.ask_end()

    async def read_bundle(self, sha256: str) -> dict[str, bytes]:
        """Return the files of a bundle whose chunks were passed by so far, by a connection of its own.

        Raises PackingError if it is not there, not whole or not itself; BrokerUnreachableError. It may be asked while
        somebody waits in `read_on`. Inflating takes some ten milliseconds a megabyte, on this thread.
        """
        return unpack_bundle(sha256, await self.read_chunks(sha256))

    async def read_placed(self, placed: Placed) -> dict[str, bytes]:
        """Return the files of a bundle that the ledger names, and check that the entry tells truly what it guards.

        Raises as `read_bundle`, and GuardsWrongError. Inflates in a thread.
        """
        return await asyncio.to_thread(open_bundle, placed, await self.read_chunks(placed.bundle))

    async def read_chunks(self, sha256: str) -> list[bytes]:
        """Return a bundle's records in their order, unchecked. Raises PackingError if none or not all are there."""
        places = self._places.get(sha256, {})
        if 0 not in places:
            raise PackingError(f"bundle {sha256[:12]} is not in {self._topic}; publish the bundle again")
        async with open_topic(self._connection, self._topic) as reader:
            chunks = [await self._read_chunk(reader, sha256, 0)]
            for number in range(1, read_count(chunks[0])):
                if number not in places:
                    raise PackingError(f"bundle {sha256[:12]} lacks its record {number}; publish the bundle again")
                chunks.append(await self._read_chunk(reader, sha256, number))
        return chunks

    async def _read_chunk(self, reader: TopicReader, sha256: str, number: int) -> bytes:
        record = await reader.read_one(_PARTITION, self._places[sha256][number])
        if record is None or not record.value:
            text = f"bundle {sha256[:12]}: its record {number} is no longer in {self._topic}"
            raise PackingError(f"{text}; publish the bundle again")
        return record.value

    def _sort(self, record: ReadRecord) -> LedgerRecord | None:
        """Return a record of the ledger; remember what a chunk's or a proposal's is for."""
        key = (record.key or b"").decode(errors="replace")
        if key.startswith(CHUNK_PREFIX):
            self._remember_chunk(key, record)
        elif key.startswith(PROPOSAL_PREFIX):
            bundle = key.removeprefix(PROPOSAL_PREFIX)
            if record.value is None:
                self.proposals.pop(bundle, None)
            else:
                self.proposals[bundle] = record.value
        elif key.startswith(LEDGER_PREFIX):
            return LedgerRecord(key, record.value, record.offset, record.timestamp)
        return None

    def _remember_chunk(self, key: str, record: ReadRecord) -> None:
        _, _, rest = key.partition("/")
        bundle, _, number = rest.partition("/")
        if not number.isdecimal() or key != name_chunk(bundle, int(number)):
            return
        if record.value is None:
            self._places.get(bundle, {}).pop(int(number), None)
        else:
            self._places.setdefault(bundle, {})[int(number)] = record.offset


@asynccontextmanager
async def open_strategies(connection: Connection, topic: str) -> AsyncIterator[StrategyTopic]:
    """Open the topic for reading. Raises BrokerUnreachableError; RefusedByBrokerError if there is no such topic."""
    async with open_topic(connection, topic) as reader:
        yield StrategyTopic(connection, topic, reader)


async def write_bundle(connection: Connection, topic: str, packed: PackedBundle) -> None:
    """Write a bundle's chunks and return when they are durable. Raises BrokerUnreachableError and other KafkaErrors."""
    keyed = [(name_chunk(packed.sha256, number), chunk) for number, chunk in enumerate(packed.chunks)]
    await write_records(connection, topic, keyed)


async def write_records(connection: Connection, topic: str, keyed: Sequence[tuple[str, bytes | None]]) -> None:
    """Write records in this order, None as a tombstone, and return when they are durable. Raises as `write_bundle`."""
    producer = AIOKafkaProducer(
        **connection,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        linger_ms=_BEHIND_LINGER_MS,
    )
    with tell_unreachable(connection):
        try:
            await producer.start()
            for key, value in keyed:
                await producer.send_and_wait(topic, key=key.encode(), value=value, partition=_PARTITION)
        finally:
            await producer.stop()
