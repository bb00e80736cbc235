"""Fits Python's garbage collector to a worker: much is loaded once and stays, much is made and dropped with each chunk.

A chunk makes tens of thousands of objects, which hold no cycles and go by themselves. As shipped, the collector would
look for cycles hundreds of times meanwhile, each tenth time among older objects: 10 to 15 % of the time an ad takes.
"""

import ctypes
import gc
from collections.abc import Callable

# Above what one chunk of 256 ads makes and holds; the older generations as rarely again.
_YOUNG_OBJECTS, _YOUNG_RUNS, _MIDDLE_RUNS = 50_000, 20, 100


def spare_loaded() -> None:
    """Take what is loaded now out of every later collection, and collect less often. Call it once, before the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_RUNS, _MIDDLE_RUNS)


def give_back_memory() -> None:
    """Give the system back what a dropped bundle took. Call it after a swap, when nothing holds the old one.

    A bundle goes when its last reference goes; but glibc keeps the pages that it lay on. Elsewhere this only collects.
    """
    gc.collect(0)
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
