"""The verdicts of /healthz and /readyz, as tables."""

import json
from dataclasses import replace

import pytest

from service.observability.health import (
    HealthReport,
    PartitionState,
    Sighting,
    WorkerState,
    follow_partition,
    judge_liveness,
    judge_readiness,
)

STALLED = PartitionState(Sighting(3, position=10, end=12), progress_at_s=100.0)
HELD_UP = PartitionState(Sighting(4, position=12, end=12, in_flight=2), progress_at_s=100.0)
IDLE = PartitionState(Sighting(5, position=12, end=12), progress_at_s=100.0)
UNKNOWN = PartitionState(Sighting(6, position=None, end=None), progress_at_s=100.0)
WORKING = WorkerState(
    stall_s=60.0,
    partitions=(STALLED,),
    broker_reachable=True,
    topics_checked=True,
    model_loaded=True,
    bundle_loaded=True,
)


@pytest.mark.parametrize(
    ("state", "now_s", "alive"),
    [
        pytest.param(WORKING, 159.9, True, id="behind, not yet for too long"),
        pytest.param(WORKING, 160.0, False, id="behind and no progress for the limit"),
        pytest.param(replace(WORKING, partitions=(HELD_UP,)), 160.0, False, id="taken but never finished"),
        pytest.param(replace(WORKING, partitions=(IDLE,)), 9_999.0, True, id="nothing to do, for hours"),
        pytest.param(replace(WORKING, partitions=(IDLE, STALLED)), 160.0, False, id="one of two stands still"),
        pytest.param(replace(WORKING, partitions=(UNKNOWN,)), 9_999.0, True, id="position not known yet"),
        pytest.param(replace(WORKING, partitions=()), 9_999.0, True, id="no assignment"),
        pytest.param(replace(WORKING, broker_reachable=False), 9_999.0, True, id="broker outage"),
        pytest.param(replace(WORKING, tripped="too many failures"), 9_999.0, True, id="tripped"),
        pytest.param(replace(WORKING, model_loaded=False), 101.0, True, id="not ready is not dead"),
        pytest.param(WORKING, 50.0, True, id="a clock before the last progress"),
    ],
)
def test_liveness(state: WorkerState, now_s: float, alive: bool) -> None:  # noqa: FBT001 - a column of the table
    """The worker is dead only if an assigned partition waits, the broker answers, and nothing moves."""
    assert judge_liveness(state, now_s).ok is alive


@pytest.mark.parametrize(
    ("state", "reasons"),
    [
        pytest.param(WORKING, (), id="ready"),
        pytest.param(
            replace(WORKING, partitions=()),
            ("no partition is assigned: joining, rebalancing, or more workers than partitions",),
            id="no assignment",
        ),
        pytest.param(replace(WORKING, model_loaded=False), ("the model is not loaded",), id="no model"),
        pytest.param(replace(WORKING, bundle_loaded=False), ("no bundle of strategies is in force",), id="no bundle"),
        pytest.param(
            replace(WORKING, topics_checked=False), ("the topics are not checked yet",), id="topics not checked"
        ),
        pytest.param(replace(WORKING, tripped="30 of 40 ads failed"), ("tripped: 30 of 40 ads failed",), id="tripped"),
        pytest.param(replace(WORKING, broker_reachable=False), (), id="a broker outage moves no traffic elsewhere"),
    ],
)
def test_readiness(state: WorkerState, reasons: tuple[str, ...]) -> None:
    """Each missing part is named."""
    report = judge_readiness(state)
    assert (report.ok, report.reasons) == (not reasons, reasons)


def test_a_dead_worker_says_which_partition_stands_still_and_for_how_long() -> None:
    """The body of a failed liveness is enough to start looking."""
    body = json.loads(judge_liveness(WORKING, 190.0).render())
    assert body["ok"] is False
    assert body["reasons"] == [
        "partition 3 is 2 records behind with 0 in flight, and has not moved for 90 s (allowed: 60 s)"
    ]
    assert body["partitions"] == [
        {
            "partition": 3,
            "position": 10,
            "end": 12,
            "behind": 2,
            "in_flight": 0,
            "progress_age_s": 90.0,
            "stalled": True,
        }
    ]


def test_an_excused_worker_says_what_excuses_it() -> None:
    """A worker that stands still and is alive all the same explains itself."""
    report = judge_liveness(replace(WORKING, broker_reachable=False, tripped="x"), 9_999.0)
    assert report.details["excuses"] == ["the broker cannot be reached", "tripped: x"]


SAME = Sighting(3, position=10, end=12)


@pytest.mark.parametrize(
    ("before", "seen", "excused", "progress_at_s"),
    [
        pytest.param(None, SAME, False, 500.0, id="newly assigned"),
        pytest.param(STALLED, SAME, False, 100.0, id="stands still"),
        pytest.param(STALLED, SAME, True, 500.0, id="stands still, excused"),
        pytest.param(STALLED, Sighting(3, 11, 12), False, 500.0, id="the position moved"),
        pytest.param(STALLED, Sighting(3, 10, 99), False, 100.0, id="only the end moved"),
        pytest.param(HELD_UP, Sighting(4, 12, 12, in_flight=1), False, 500.0, id="a chunk was settled"),
        pytest.param(IDLE, Sighting(5, 12, 13), False, 500.0, id="work arrives after an idle hour"),
        pytest.param(UNKNOWN, Sighting(6, 0, 5), False, 500.0, id="the position became known"),
    ],
)
def test_following_a_partition(
    before: PartitionState | None,
    seen: Sighting,
    excused: bool,  # noqa: FBT001 - a column of the table
    progress_at_s: float,
) -> None:
    """The clock runs only while a partition that was already busy does not move and nothing excuses it."""
    after = follow_partition(before, seen, 500.0, excused=excused)
    assert after == PartitionState(seen, progress_at_s)


def test_an_outage_longer_than_the_limit_does_not_kill_the_worker_when_the_broker_returns() -> None:
    """The first look after an outage starts from the last excused one, not from before the outage."""
    state = follow_partition(STALLED, SAME, 400.0, excused=True)
    state = follow_partition(state, SAME, 410.0)
    assert judge_liveness(replace(WORKING, partitions=(state,)), 411.0).ok


def test_a_report_renders_as_json() -> None:
    """Even the emptiest verdict is a JSON object that ends with a line break."""
    rendered = HealthReport(ok=True).render()
    assert rendered.endswith(b"\n")
    assert json.loads(rendered) == {"ok": True, "reasons": [], "details": {}, "partitions": []}
