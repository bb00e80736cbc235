"""Whether a worker is alive and whether it is ready, and why: pure verdicts over what its monitor saw.

A failed liveness gets the worker killed, so it fails for one thing alone: work waits, the broker answers, and nothing
moves. A broker outage, an idle topic, a trip and a missing assignment are no reason to restart anything.
All times are seconds of one monotonic clock that the caller reads.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sighting:
    """What the monitor saw of one assigned partition. Positions are the next offset to fetch; None is not known yet."""

    partition: int
    position: int | None
    end: int | None
    in_flight: int = 0

    @property
    def behind(self) -> int:
        """Return how many offsets lie between the position and the end."""
        return max(0, self.end - self.position) if self.end is not None and self.position is not None else 0

    @property
    def busy(self) -> bool:
        """Return whether anything waits: behind the end, or records taken whose decisions are not yet durable."""
        return self.behind > 0 or self.in_flight > 0


@dataclass(frozen=True)
class PartitionState:
    """A partition as last seen, and since when it has not moved although it had something to do."""

    seen: Sighting
    progress_at_s: float


@dataclass(frozen=True)
class WorkerState:
    """All that the verdicts look at.

    `tripped` is the trip's message, `stall_s` how long nothing may move, `bundle` names the live bundle and its source,
    or says why there is none.
    """

    stall_s: float
    partitions: tuple[PartitionState, ...] = ()
    broker_reachable: bool = False
    topics_checked: bool = False
    model_loaded: bool = False
    bundle_loaded: bool = False
    bundle: str = ""
    tripped: str | None = None


@dataclass(frozen=True)
class PartitionVerdict:
    """What is said of one partition."""

    partition: int
    position: int | None
    end: int | None
    behind: int
    in_flight: int
    progress_age_s: float
    stalled: bool


@dataclass(frozen=True)
class HealthReport:
    """A verdict, with the reasons when it is bad, or with what excuses a worker that does not move."""

    ok: bool
    reasons: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    partitions: tuple[PartitionVerdict, ...] = ()

    def render(self) -> bytes:
        """Return the verdict as JSON."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"


def follow_partition(
    before: PartitionState | None, seen: Sighting, now_s: float, *, excused: bool = False
) -> PartitionState:
    """Return the partition's new state.

    The clock restarts when it is newly assigned, moved, had nothing to do, or is `excused`: while the broker cannot be
    reached or the worker is tripped, time does not count against it.
    """
    moved = before is None or (before.seen.position, before.seen.in_flight) != (seen.position, seen.in_flight)
    if before is None or moved or excused or not before.seen.busy:
        return PartitionState(seen, now_s)
    return PartitionState(seen, before.progress_at_s)


def judge_liveness(state: WorkerState, now_s: float) -> HealthReport:
    """Return whether the worker should go on; not so only if an assigned partition waits and stands still."""
    verdicts = tuple(_judge_partition(partition, state.stall_s, now_s) for partition in state.partitions)
    excuses = list(_excuse(state))
    stalled = [verdict for verdict in verdicts if verdict.stalled]
    reasons = tuple(_explain_stall(verdict, state.stall_s) for verdict in stalled)
    details = {"stall_s": state.stall_s, "excuses": excuses, "assigned_partitions": len(verdicts)}
    if excuses:
        return HealthReport(ok=True, details=details, partitions=verdicts)
    return HealthReport(ok=not stalled, reasons=reasons, details=details, partitions=verdicts)


def judge_readiness(state: WorkerState) -> HealthReport:
    """Return whether the worker decides ads now: assigned, topics checked, model and bundle loaded, not tripped."""
    checks = {
        "topics_checked": (
            state.topics_checked,
            "the topics are not checked yet" + ("" if state.broker_reachable else ": no broker has answered so far"),
        ),
        "model_loaded": (state.model_loaded, "the model is not loaded"),
        "bundle_loaded": (
            state.bundle_loaded,
            "no bundle of strategies is in force" + (f": {state.bundle}" if state.bundle else ""),
        ),
        "assigned": (
            bool(state.partitions),
            "no partition is assigned: joining, rebalancing, or more workers than partitions",
        ),
        "not_tripped": (state.tripped is None, f"tripped: {state.tripped}"),
    }
    reasons = tuple(text for passed, text in checks.values() if not passed)
    return HealthReport(
        ok=not reasons,
        reasons=reasons,
        details={**{name: passed for name, (passed, _) in checks.items()}, "bundle": state.bundle},
    )


def _excuse(state: WorkerState) -> Iterable[str]:
    if not state.partitions:
        yield "no partition is assigned"
    if not state.broker_reachable:
        yield "the broker cannot be reached"
    if state.tripped is not None:
        yield f"tripped: {state.tripped}"


def _judge_partition(partition: PartitionState, stall_s: float, now_s: float) -> PartitionVerdict:
    seen = partition.seen
    age_s = max(0.0, now_s - partition.progress_at_s)
    return PartitionVerdict(
        partition=seen.partition,
        position=seen.position,
        end=seen.end,
        behind=seen.behind,
        in_flight=seen.in_flight,
        progress_age_s=round(age_s, 3),
        stalled=seen.busy and age_s >= stall_s,
    )


def _explain_stall(verdict: PartitionVerdict, stall_s: float) -> str:
    return (
        f"partition {verdict.partition} is {verdict.behind} records behind with {verdict.in_flight} in flight, and has "
        f"not moved for {verdict.progress_age_s:g} s (allowed: {stall_s:g} s)"
    )
