"""Measures where an ad's time goes: the worker's pipeline, run in one thread, with a clock at the doors of its parts.

Each part is given its own time only: a part that calls another stops its clock meanwhile. So the parts add up to the
whole, and what no part claims is `rest`. The same chunks also run without clocks; the difference is the clocks' price.
"""

import functools
import importlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from loadtests.spread import Spread, summarise
from service.worker.outputs import InputRecord, Pipeline

PARTS: dict[str, tuple[str, ...]] = {
    "parse": ("service.worker.scoring:read_submission",),
    "views": (
        "service.rules.ad_view:AdView.views",
        "service.rules.ad_view:AdView.model_text",
        "service.rules.ad_view:AdView.landing",
        "service.rules.ad_view:AdView.display",
        "service.rules.ad_view:AdView.text_urls",
        "service.rules.ad_view:AdView.language",
        "service.rules.ad_view:AdView.group_key",
        "service.text.views:Views.base",
        "service.text.views:Views.latin",
        "service.text.views:Views.squeezed",
        "service.text.views:Views.locate",
    ),
    "rules": ("service.strategy.bundle:CompiledStrategy.evaluate_rules",),
    "features": ("service.classifier.linear_stage:LinearStage.score",),
    "ONNX": ("service.classifier.session:LinearSession.score",),
    "decide": (
        "service.strategy.bundle:CompiledStrategy.decide",
        "service.moderate.deciding:write_decision",
        "service.moderate.deciding:write_review_task",
    ),
    "evidence": ("service.moderate.deciding:explain_scores",),
    "serialise": (
        "service.worker.scoring:fit_decision",
        "service.worker.scoring:fit_review_task",
        "service.worker.scoring:build_dead_letter",
    ),
}
"""The doors of each part, `module:name` or `module:Class.name`, as the caller finds them."""

REST = "rest"
# Explaining a score runs features and model once more; all of it is the price of evidence.
_WHOLE = frozenset({"evidence"})


class DoorMissingError(LookupError):
    """A part's door is not in the code any more; name the new one in `PARTS`."""


@dataclass(frozen=True)
class PartTimes:
    """Microseconds of CPU an ad: by part, their sum, and the whole measured without clocks inside."""

    by_part: dict[str, Spread]
    sum_us: float
    whole_us: Spread


class PartClock:
    """Knows which part runs now and adds up each one's own time."""

    def __init__(self, now_ns: Callable[[], int] = time.perf_counter_ns) -> None:
        self._now_ns = now_ns
        self._running = [REST]
        self._since_ns = now_ns()
        self.spent_ns: defaultdict[str, int] = defaultdict(int)

    def restart(self) -> None:
        """Forget what was spent and run `rest` from now on."""
        self.spent_ns.clear()
        self._since_ns = self._now_ns()

    def stop(self) -> dict[str, int]:
        """Return the nanoseconds of each part since the restart."""
        self._switch()
        return dict(self.spent_ns)

    def _switch(self) -> None:
        now_ns = self._now_ns()
        self.spent_ns[self._running[-1]] += now_ns - self._since_ns
        self._since_ns = now_ns

    def wrap(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the clock at its door."""

        def timed(*arguments: object, **named: object) -> object:
            if self._running[-1] in _WHOLE:
                return function(*arguments, **named)
            self._switch()
            self._running.append(part)
            try:
                return function(*arguments, **named)
            finally:
                self._switch()
                self._running.pop()

        return timed


def measure_parts(pipeline: Pipeline, chunks: Sequence[Sequence[InputRecord]], passes: int) -> PartTimes:
    """Return the times of a pipeline over the chunks: medians of `passes`, with and without clocks in turn."""
    ads = sum(map(len, chunks))
    clock = PartClock()
    whole_us: list[float] = []
    parts_us: defaultdict[str, list[float]] = defaultdict(list)
    _run(pipeline, chunks)
    for _ in range(passes):
        whole_us.append(_run(pipeline, chunks) / ads / 1e3)
        with put_clocks(clock):
            clock.restart()
            cpu_ns = _run(pipeline, chunks)
            spent_ns = clock.stop()
        # A thread's CPU clock costs a system call, too dear for every door: the doors' cheap wall clock gives the
        # shares, the CPU clock around the pass the amount. So other processes on the machine are left out.
        us_per_ns = cpu_ns / sum(spent_ns.values()) / ads / 1e3
        for part in (*PARTS, REST):
            parts_us[part].append(spent_ns.get(part, 0) * us_per_ns)
    by_part = {part: summarise(values) for part, values in parts_us.items()}
    return PartTimes(by_part, sum(spread.median for spread in by_part.values()), summarise(whole_us))


def _run(pipeline: Pipeline, chunks: Sequence[Sequence[InputRecord]]) -> int:
    """Run all chunks and return the thread's CPU time in nanoseconds."""
    began_ns = time.thread_time_ns()
    for chunk in chunks:
        pipeline(chunk)
    return time.thread_time_ns() - began_ns


@contextmanager
def put_clocks(clock: PartClock) -> Iterator[None]:
    """Put the clock at every door, and take it away at the end. Raises DoorMissingError."""
    with ExitStack() as stack:
        for part, doors in PARTS.items():
            for door in doors:
                stack.callback(_put(clock, part, door))
        yield


def _put(clock: PartClock, part: str, door: str) -> Callable[[], None]:
    """Put the clock at one door and return what takes it away."""
    owner, name = find_door(door)
    found = vars(owner)[name]
    setattr(owner, name, clock.wrap(part, found) if callable(found) else _TimedAttribute(found, clock, part))
    return lambda: setattr(owner, name, found)


class _TimedAttribute:
    """An attribute that is worked out at its first access, with the clock at its door.

    The value then lies in the instance, as with the attribute itself, and later accesses do not come here.
    """

    def __init__(self, attribute: Any, clock: PartClock, part: str) -> None:  # noqa: ANN401 - any descriptor
        self._work_out = clock.wrap(part, attribute.__get__)

    def __get__(self, instance: object, owner: type) -> object:
        return self._work_out(instance, owner)


def find_door(door: str) -> tuple[Any, str]:
    """Return the module or class that holds a door, and the door's name there. Raises DoorMissingError."""
    module, _, path = door.partition(":")
    *owners, name = path.split(".")
    try:
        owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        raise DoorMissingError(f"{door}: {error}; name the part's new door in loadtests/parts.py") from error
    if name not in vars(owner):
        raise DoorMissingError(f"{door}: there is no {name}; name the part's new door in loadtests/parts.py")
    return owner, name
