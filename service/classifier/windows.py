"""Cut long texts into windows, and gather windows into bounded runs.

Place in the flow: before `features`. A text up to WINDOW_CHARS is one window. A longer one is read whole, window by
window, and its score for a label is the highest of its windows': one harmful sentence among many harmless ones is
found, however much clean text is put around it, and nothing is dropped. The cost is linear: each character is read
twice, about 60 ms for the 100,000 of a long transcript.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

# Measured with a harmful sentence hidden in 500 to 20,000 characters of clean ads: windows of 1,000 find it hardly ever
# (its median score .01 to .3), of 300 about half the time, of 240 nearly always; below that clean texts lose too much.
WINDOW_CHARS = 240
OVERLAP_CHARS = 120  # a sentence that a window's end cuts stands whole in the next one
RUN_CHARS = 16_384  # bounds a run's memory: at most 6 n-grams a character, 64 bytes each in the sum, about 6 MB
RUN_WINDOWS = 1_024  # bounds it for many empty texts


class Window(NamedTuple):
    """The code points [start, end) of text number `owner`."""

    owner: int
    start: int
    end: int


def cut_windows(texts: Sequence[str]) -> list[Window]:
    """Cut each text into at least one window, in order."""
    return [Window(owner, start, end) for owner, text in enumerate(texts) for start, end in _cut(len(text))]


def _cut(length: int) -> Iterator[tuple[int, int]]:
    start = 0
    while length - start > WINDOW_CHARS:
        yield start, start + WINDOW_CHARS
        start += WINDOW_CHARS - OVERLAP_CHARS
    yield start, length


def gather_runs(windows: Sequence[Window]) -> Iterator[Sequence[Window]]:
    """Gather windows, in order, into runs of at most RUN_CHARS and RUN_WINDOWS."""
    first, chars = 0, 0
    for number, window in enumerate(windows):
        size = window.end - window.start
        if number > first and (chars + size > RUN_CHARS or number - first >= RUN_WINDOWS):
            yield windows[first:number]
            first, chars = number, 0
        chars += size
    if first < len(windows):
        yield windows[first:]
