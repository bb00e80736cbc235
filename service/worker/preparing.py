"""Makes a bundle of the strategies topic ready to decide: read, unpack, compile, try out; in a thread of its own.

Scoring goes on meanwhile, by what is in force. What is wrong with a bundle is one `BundleRefusedError`, told once.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from service.answer import LiveBundle
from service.release.approvals import GuardsWrongError, check_guards
from service.release.ledger import Placed
from service.release.packing import PackingError, unpack_bundle
from service.strategy import BundleFiles, StrategyError


class BundleRefusedError(ValueError):
    """The bundle must not decide; the text says what is wrong with it and what to do."""


class Prepare(Protocol):
    """Compiles a bundle's files and tries the result out; `reuse` is a bundle in memory that may share parts."""

    def __call__(self, files: BundleFiles, reuse: LiveBundle | None) -> LiveBundle:
        """Return the bundle. Raises StrategyError or BundleRefusedError."""
        ...


class ChunkSource(Protocol):
    """Where a bundle's records are read, as `StrategyTopic` does."""

    async def read_chunks(self, sha256: str) -> list[bytes]:
        """Return the records. Raises PackingError, BrokerUnreachableError."""
        ...


class Preparer:
    """Prepares one bundle after the other."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="prepare")

    async def make_ready(self, source: ChunkSource, placed: Placed, reuse: LiveBundle | None) -> LiveBundle:
        """Return the bundle that an entry put on a channel. Raises BundleRefusedError, BrokerUnreachableError."""
        try:
            chunks = await source.read_chunks(placed.bundle)
        except PackingError as error:
            raise BundleRefusedError(str(error)) from None
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._make, placed, chunks, reuse)

    def close(self) -> None:
        """Let the thread end after what it prepares."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _make(self, placed: Placed, chunks: Sequence[bytes], reuse: LiveBundle | None) -> LiveBundle:
        try:
            files = unpack_bundle(placed.bundle, chunks)
            check_guards(placed.guards, files)
            return self._prepare(files, reuse)
        except (PackingError, GuardsWrongError, StrategyError, BundleRefusedError) as error:
            raise BundleRefusedError(str(error)) from None
        except Exception as error:
            # Whatever it is, what was in force before goes on.
            raise BundleRefusedError(f"it cannot be prepared: {type(error).__name__}: {error}") from error
