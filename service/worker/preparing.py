"""Makes a bundle of the strategies topic ready to decide: read, unpack, compile, try out; in a thread of its own.

Scoring goes on meanwhile, by what is in force. What is wrong with a bundle is one `BundleRefusedError`, told once.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Protocol

from service.answer import LiveBundle
from service.release.approvals import GuardsWrongError, check_guards
from service.release.ledger import Placed
from service.release.packing import PackingError, unpack_bundle
from service.strategy import BundleFiles, StrategyError
from service.worker.collector import give_back_memory
from service.worker.entry_source import ChunkSource

_TURN_S = 0.001
_GIVE_BACK_AFTER_S = 2.0


class BundleRefusedError(ValueError):
    """The bundle must not decide; the text says what is wrong with it and what to do."""


class Prepare(Protocol):
    """Compiles a bundle's files and tries the result out; `reuse` is a bundle in memory that may share parts.

    The bundle's own tests are run as of its publication: a worker that starts later must not refuse what others run by.
    """

    def __call__(self, files: BundleFiles, reuse: LiveBundle | None, published_at: datetime) -> LiveBundle:
        """Return the bundle. Raises StrategyError or BundleRefusedError."""
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

    def give_back_soon(self) -> None:
        """Return the memory of a bundle that was replaced to the system, once no chunk is decided by it any more."""
        asyncio.get_running_loop().call_later(_GIVE_BACK_AFTER_S, self._give_back)

    def _give_back(self) -> None:
        with suppress(RuntimeError):  # closed meanwhile
            self._executor.submit(give_back_memory)

    def close(self) -> None:
        """Let the thread end after what it prepares."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _make(self, placed: Placed, chunks: Sequence[bytes], reuse: LiveBundle | None) -> LiveBundle:
        try:
            with _take_short_turns():
                files = unpack_bundle(placed.bundle, chunks)
                check_guards(placed.guards, files)
                return self._prepare(files, reuse, placed.published_at)
        except (PackingError, GuardsWrongError, StrategyError, BundleRefusedError) as error:
            raise BundleRefusedError(str(error)) from None
        except Exception as error:
            # Whatever it is, what was in force before goes on.
            raise BundleRefusedError(f"it cannot be prepared: {type(error).__name__}: {error}") from error


@contextmanager
def _take_short_turns() -> Iterator[None]:
    """Let the scoring thread and the event loop have the interpreter a millisecond after they ask for it.

    A thread that computes keeps it for 5 ms as Python starts, and a transaction asks some ten times.
    """
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual_s)
