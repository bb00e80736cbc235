import asyncio
from types import SimpleNamespace
from typing import Any, cast

from structlog.testing import capture_logs

from service.contracts.worker_status import WorkerStatus
from service.observability.health import WorkerState, judge_readiness
from service.observability.metrics import Metrics
from service.worker.in_force import InForce
from service.worker.monitor import Monitor
from service.worker.strategy_report import Identity, StrategyReport
from tests.unit.release.signed import ONE, TWO, block, publish
from tests.unit.worker.standing import Bench as Deploying


class Writer:
    """Stands for the status topic: keeps what it is given, or fails while told to."""

    def __init__(self) -> None:
        self.written: list[WorkerStatus] = []
        self.left = False
        self.error: Exception | None = None

    async def write(self, status: WorkerStatus) -> None:
        if self.error is not None:
            raise self.error
        self.written.append(status)

    async def leave(self) -> None:
        if self.error is not None:
            raise self.error
        self.left = True

    async def close(self) -> None:
        pass


class Bench:
    """A report on a worker whose strategies are deployed without a topic."""

    def __init__(self, interval_s: float = 60.0) -> None:
        self.deploying = Deploying(unfit=(TWO,))
        self.in_force = InForce("v1")
        self.settled = asyncio.Event()
        self.writer = Writer()
        self.metrics = Metrics()
        self.monitor = Monitor(WorkerState(stall_s=10), cast("Any", SimpleNamespace(trip=None)), self.metrics, 1.0)
        follower = SimpleNamespace(
            settled=self.settled,
            standing=self.deploying.standing,
            waits_for="the topic was not read",
            unreachable_s=4.0,
        )
        self.report = StrategyReport(
            Identity("host:1", "sluice"),
            cast("Any", self.writer),
            follower=cast("Any", follower),
            in_force=self.in_force,
            monitor=self.monitor,
            metrics=self.metrics,
            interval_s=interval_s,
        )

    def follow(self, *told: dict[str, Any]) -> None:
        self.deploying.follow(*told)
        self.in_force.put(self.deploying.deployment)
        self.settled.set()
        self.report.note_change()

    def page(self) -> str:
        return self.metrics.render()[0].decode()


async def test_a_worker_that_waits_says_for_what() -> None:
    """On the status topic it runs by nothing, in /readyz it gives the reason."""
    bench = Bench()
    bench.report.show()
    assert "no bundle of strategies is in force: the topic was not read" in judge_readiness(bench.monitor.state).reasons
    status = bench.report.describe()
    assert (status.state, status.live, status.sequence, status.build) == ("starting", None, 0, "v1")
    assert "sluice_strategies_unreachable_seconds 4" in bench.page()


async def test_what_is_in_force_is_told_everywhere() -> None:
    """Bundle, source, sequence, blocks, refusals."""
    bench = Bench()
    bench.report.running = True
    bench.follow(publish(ONE), publish(TWO), block("b-1", hours=1e5))
    status = bench.report.describe()
    assert (status.state, status.live, status.live_version, status.source) == ("running", ONE, "1", "topic")
    assert (status.sequence, status.blocks, status.candidate, status.candidate_off) == (3, 1, None, "")
    assert [(refusal.sequence, refusal.bundle) for refusal in status.refusals] == [(2, TWO)]
    assert bench.monitor.state.bundle == f"1 {ONE[:12]} of the strategies topic"
    assert f'sluice_bundle_info{{channel="live",sha256="{ONE}",version="1"}} 1.0' in bench.page()
    assert "sluice_blocks 1.0" in bench.page()


async def test_a_candidate_that_is_switched_off_is_told_with_the_why() -> None:
    """Whoever published it sees that it is not compared."""
    bench = Bench()
    bench.report.tell_candidate_off = lambda: "too_slow: 3 ms an ad"
    bench.follow(publish(ONE), publish("3" * 64, "candidate"))
    status = bench.report.describe()
    assert (status.candidate, status.candidate_off) == ("3" * 64, "too_slow: 3 ms an ad")


async def test_a_change_is_reported_at_once_and_an_outage_told_once() -> None:
    """A worker that cannot report still decides, and reports again when it can."""
    bench = Bench()
    with capture_logs() as logs:
        task = asyncio.create_task(bench.report.run())
        async with asyncio.timeout(10):
            while not bench.writer.written:
                await asyncio.sleep(0)
            bench.writer.error = ConnectionError("no broker")
            for _ in range(3):
                bench.report.note_change()
                await asyncio.sleep(0.01)
            bench.writer.error = None
            bench.follow(publish(ONE))
            while bench.writer.written[-1].live != ONE:
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [log["event"] for log in logs] == ["status_not_reported"]


async def test_leaving_ends_whatever_the_broker_does() -> None:
    """Its last report grows old by itself."""
    bench = Bench()
    await bench.report.leave()
    assert bench.writer.left
    bench.writer.error = ConnectionError("no broker")
    await bench.report.leave()
