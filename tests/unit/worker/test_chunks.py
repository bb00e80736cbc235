from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from service.worker.chunks import cut_records


@dataclass
class Record:
    """As much of a consumed record as cutting looks at."""

    value: bytes | None
    offset: int = 0
    topic: str = "in"
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


@given(st.lists(st.integers(0, 50)), st.integers(1, 7), st.integers(1, 60))
def test_runs_hold_all_records_in_order_within_both_bounds(sizes: list[int], most: int, most_bytes: int) -> None:
    """Nothing is lost, doubled or reordered, and only a record that is too large alone exceeds the bytes."""
    records = [Record(b"x" * size, offset) for offset, size in enumerate(sizes)]
    runs = cut_records(records, most, most_bytes)
    assert [record.offset for run in runs for record in run] == list(range(len(sizes)))
    for run in runs:
        assert 1 <= len(run) <= most
        assert len(run) == 1 or sum(len(record.value or b"") for record in run) <= most_bytes


def test_a_run_is_filled_before_the_next_is_begun() -> None:
    """Chunks are as large as the bounds allow, because a chunk costs, not a record."""
    records = [Record(None, offset) for offset in range(5)]
    assert [len(run) for run in cut_records(records, 2, 10)] == [2, 2, 1]
