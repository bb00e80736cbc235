"""Holds ads that live has decided until the shadow thread gets to them; bounded, and what comes beyond is dropped.

One thread offers (the event loop), one takes (the shadow thread). They share no lock: a thread that holds one can lose
the interpreter, and then the event loop would wait for the shadow.
"""

import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from service.moderate.pairs import PendingPair, PendingPairs


class Slice(NamedTuple):
    """Some ads of one chunk, decided under one deployment."""

    pairs: PendingPairs
    items: Sequence[PendingPair]


class ShadowBuffer:
    """A queue of chunks, counted and taken in ads."""

    def __init__(self, most_ads: int) -> None:
        self._most_ads = most_ads
        self._chunks: deque[Slice] = deque()
        self._begun: Slice | None = None
        # Each is written by one thread alone.
        self._offered = 0
        self._taken = 0
        self._filled = threading.Event()

    def __len__(self) -> int:
        return self._offered - self._taken

    def offer(self, pairs: PendingPairs) -> int:
        """Take as many of a chunk's ads as there is room for; returns how many there was no room for."""
        items = pairs.items[: max(0, self._most_ads - len(self))]
        if items:
            self._offered += len(items)
            self._chunks.append(Slice(pairs, items))
            self._filled.set()
        return len(pairs.items) - len(items)

    def wait_filled(self, timeout_s: float) -> bool:
        """Wait for ads, at most so long; says whether there are any."""
        return self._filled.wait(timeout_s)

    def take(self, most_ads: int) -> Slice | None:
        """Return the next ads, at most so many and all of one chunk; None if there are none."""
        chunk = self._begun
        if chunk is None:
            # Cleared before the look: what is offered behind the look sets it again.
            self._filled.clear()
            if not self._chunks:
                return None
            chunk = self._chunks.popleft()
        taken, rest = chunk.items[:most_ads], chunk.items[most_ads:]
        self._begun = Slice(chunk.pairs, rest) if rest else None
        if self._begun is not None or self._chunks:
            self._filled.set()
        self._taken += len(taken)
        return Slice(chunk.pairs, taken)
