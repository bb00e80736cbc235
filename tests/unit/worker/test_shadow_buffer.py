import gc
import threading
import weakref
from pathlib import Path

import pytest

from service.deployment import Deployment
from service.worker.shadow_buffer import ShadowBuffer
from tests.unit.worker.shadowing import decide, make_candidate, make_live


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(make_live(tmp_path), make_candidate(tmp_path))


def take_ids(buffer: ShadowBuffer, most: int) -> list[str]:
    taken = buffer.take(most)
    return [] if taken is None else [item.ad.submission.ad_id for item in taken.items]


def test_ads_come_out_in_order_and_a_slice_is_of_one_chunk(deployment: Deployment) -> None:
    """So that each is judged under the deployment that decided it."""
    buffer = ShadowBuffer(100)
    first, second = decide(deployment, ["a"] * 3), decide(deployment, ["b"] * 2, start=3)
    assert (buffer.offer(first), buffer.offer(second), len(buffer)) == (0, 0, 5)
    taken = buffer.take(2)
    assert taken is not None
    assert (taken.pairs is first, len(taken.items), len(buffer)) == (True, 2, 3)
    assert [take_ids(buffer, 2) for _ in range(3)] == [["ad-2"], ["ad-3", "ad-4"], []]


def test_what_does_not_fit_is_told(deployment: Deployment) -> None:
    """A full buffer takes as much of a chunk as there is room for, and has room again when some is taken."""
    buffer = ShadowBuffer(4)
    assert buffer.offer(decide(deployment, ["a"] * 3)) == 0
    assert buffer.offer(decide(deployment, ["b"] * 3, start=3)) == 2
    assert buffer.offer(decide(deployment, ["c"], start=6)) == 1
    assert take_ids(buffer, 10) == ["ad-0", "ad-1", "ad-2"]
    assert buffer.offer(decide(deployment, ["d"] * 9, start=7)) == 6
    assert [take_ids(buffer, 10) for _ in range(3)] == [["ad-3"], ["ad-7", "ad-8", "ad-9"], []]


def test_who_waits_is_woken(deployment: Deployment) -> None:
    """By the first ad, not by a look every so often; and not when there is nothing."""
    buffer = ShadowBuffer(10)
    assert not buffer.wait_filled(0.0)
    woken = threading.Event()
    waiting = threading.Thread(target=lambda: woken.set() if buffer.wait_filled(30.0) else None)
    waiting.start()
    buffer.offer(decide(deployment, ["a", "b"]))
    waiting.join(30.0)
    assert woken.is_set()
    assert take_ids(buffer, 1) == ["ad-0"]
    assert buffer.wait_filled(0.0), "one is left"
    assert take_ids(buffer, 1) == ["ad-1"]
    assert take_ids(buffer, 1) == []
    assert not buffer.wait_filled(0.0)


def test_what_was_taken_is_let_go(deployment: Deployment) -> None:
    """A bundle that was replaced must not stay in memory for the ads that it once judged."""
    buffer = ShadowBuffer(10)
    pairs = decide(deployment, ["a"])
    view = weakref.ref(pairs.items[0].ad)
    buffer.offer(pairs)
    del pairs
    buffer.take(1)
    assert buffer.take(1) is None
    gc.collect()
    assert view() is None
