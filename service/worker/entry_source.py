"""What following strategies asks of the strategies topic; `StrategyTopic` gives it, tests give it without Kafka."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from service.release.folding import LedgerRecord


class ChunkSource(Protocol):
    """Where a bundle's records are read."""

    async def read_chunks(self, sha256: str) -> list[bytes]:
        """Return the records. Raises PackingError if they are not all there, BrokerUnreachableError."""
        ...


class EntrySource(ChunkSource, Protocol):
    """The topic, opened."""

    async def read_to_end(self) -> list[LedgerRecord]:
        """Return the ledger's records that lie there now. Raises BrokerUnreachableError."""
        ...

    def read_on(self) -> AsyncIterator[LedgerRecord]:
        """Yield those that come after, for ever."""
        ...

    async def ask(self) -> None:
        """Have the topic answer. Raises BrokerUnreachableError if it does not."""
        ...


OpenTopic = Callable[[], AbstractAsyncContextManager[EntrySource]]
"""Opens the topic; raises BrokerUnreachableError, RefusedByBrokerError if there is none."""
