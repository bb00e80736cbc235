import gc
from collections.abc import Iterator

import pytest

from service.worker.collector import spare_loaded


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    """Leave the collector as it was."""
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


class Node:
    """Something that can hold itself."""


def test_what_is_loaded_is_not_looked_at_again() -> None:
    """Objects that exist at the call leave the collector's generations."""
    loaded = [Node() for _ in range(100)]
    spare_loaded()
    assert gc.get_freeze_count() > len(loaded)
    assert not any(loaded[0] is found for found in gc.get_objects())


def test_cycles_made_later_are_still_collected() -> None:
    """A leak by cycles stays impossible: the collector runs, only less often."""
    spare_loaded()
    node = Node()
    node.itself = node  # type: ignore[attr-defined]
    del node
    assert gc.isenabled()
    assert gc.get_threshold()[0] > 700
    assert gc.collect() >= 1
