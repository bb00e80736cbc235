from collections.abc import Callable, Sequence

import pytest

from loadtests.parts import PARTS, REST, DoorMissingError, PartClock, find_door, put_clocks


class Steps:
    """A clock that each call of `work` moves on."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def work(self, ns: int, *calls: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            self.now_ns += ns
            for call in calls:
                call()
            self.now_ns += ns

        return run


def _run(steps: Steps, clock: PartClock, calls: Sequence[Callable[[], object]]) -> dict[str, int]:
    clock.restart()
    steps.work(5, *calls)()
    return clock.stop()


def test_a_part_is_given_its_own_time_only() -> None:
    """A part that calls another stops its clock meanwhile, and what no part claims is the rest."""
    steps = Steps()
    clock = PartClock(steps)
    views = clock.wrap("views", steps.work(10))
    rules = clock.wrap("rules", steps.work(100, views))
    assert _run(steps, clock, [rules, views]) == {"rules": 200, "views": 40, REST: 10}


def test_evidence_keeps_what_it_calls() -> None:
    """All that explaining a score takes is the price of evidence."""
    steps = Steps()
    clock = PartClock(steps)
    onnx = clock.wrap("ONNX", steps.work(10))
    evidence = clock.wrap("evidence", steps.work(100, onnx))
    assert _run(steps, clock, [evidence]) == {"evidence": 220, REST: 10}


def test_a_part_that_raises_stops_its_clock() -> None:
    """The time after an error is not the failed part's."""
    steps = Steps()
    clock = PartClock(steps)

    def fail() -> None:
        steps.work(10)()
        raise KeyError

    def survive() -> None:
        with pytest.raises(KeyError):
            clock.wrap("rules", fail)()

    assert _run(steps, clock, [survive]) == {"rules": 20, REST: 10}


def test_every_door_exists_and_gets_its_own_back() -> None:
    """The doors are where the code has them, hold a clock while measuring and nothing afterwards."""
    before = {door: vars(find_door(door)[0])[find_door(door)[1]] for doors in PARTS.values() for door in doors}
    with put_clocks(PartClock()):
        for door, found in before.items():
            owner, name = find_door(door)
            assert vars(owner)[name] is not found
    for door, found in before.items():
        owner, name = find_door(door)
        assert vars(owner)[name] is found


@pytest.mark.parametrize("door", ["service.moderate:no_such", "service.nowhere:x", "service.moderate:Nobody.x"])
def test_a_door_that_is_gone_is_told(door: str) -> None:
    """A rename in the service is told with the file to mend."""
    with pytest.raises(DoorMissingError, match=r"loadtests/parts\.py"):
        find_door(door)
