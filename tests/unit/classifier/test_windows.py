"""Long texts are read whole, in bounded pieces."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from service.classifier.windows import (
    OVERLAP_CHARS,
    RUN_CHARS,
    RUN_WINDOWS,
    WINDOW_CHARS,
    Window,
    cut_windows,
    gather_runs,
)

LENGTHS = st.lists(st.integers(0, 5_000), max_size=20)


@settings(deadline=None)
@given(LENGTHS)
def test_windows_cover_each_text(lengths: list[int]) -> None:
    """Every code point lies in a window of its text, no window is too long, and ends overlap."""
    windows = cut_windows(["x" * length for length in lengths])
    for owner, length in enumerate(lengths):
        own = [window for window in windows if window.owner == owner]
        assert (own[0].start, own[-1].end) == (0, length)
        assert all(window.end - window.start <= WINDOW_CHARS for window in own)
        pairs = pairwise(own)
        assert all(first.end - second.start == OVERLAP_CHARS for first, second in pairs)


@settings(deadline=None)
@given(LENGTHS)
def test_runs_keep_all_windows_in_order_and_are_bounded(lengths: list[int]) -> None:
    """Gathering drops and reorders nothing."""
    windows = cut_windows(["x" * length for length in lengths])
    runs = list(gather_runs(windows))
    assert [window for run in runs for window in run] == windows
    assert all(sum(window.end - window.start for window in run) <= RUN_CHARS for run in runs)


def test_many_empty_texts_are_bounded_too() -> None:
    """Windows without characters still cost a row each."""
    runs = list(gather_runs([Window(owner, 0, 0) for owner in range(2 * RUN_WINDOWS + 1)]))
    assert [len(run) for run in runs] == [RUN_WINDOWS, RUN_WINDOWS, 1]


def test_a_short_text_is_one_window() -> None:
    """Up to the limit a text is not cut."""
    assert len(cut_windows(["", "x" * WINDOW_CHARS])) == 2
    assert len(cut_windows(["x" * (WINDOW_CHARS + 1)])) == 2
