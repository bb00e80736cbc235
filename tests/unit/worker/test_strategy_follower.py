import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.answer import LiveBundle
from service.release.folding import LedgerRecord
from service.release.packing import pack_bundle
from service.settings import Settings
from service.strategy import BundleFiles, Problem, StrategyError
from service.worker.connection import BrokerUnreachableError
from service.worker.deploying import Standing
from service.worker.in_force import InForce
from service.worker.preparing import Preparer
from service.worker.strategy_follower import StrategyFollower, Watchers
from tests.unit.release.signed import KEYS, Writer, block, publish
from tests.unit.worker.standing import make_bundle

PACKED = {
    name: pack_bundle({"bundle.yaml": f"version: {name}".encode()}) for name in ("one", "two", "three", "bad", "slow")
}
HASHES = {name: packed.sha256 for name, packed in PACKED.items()}
IMAGE = "1" * 64


@dataclass
class Topic:
    """Stands for the strategies topic: holds records, hands on new ones, and can be out of reach."""

    records: list[LedgerRecord] = field(default_factory=list)
    unreachable: bool = False
    opened: int = 0
    coming: asyncio.Queue[LedgerRecord | Exception] = field(default_factory=asyncio.Queue)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Topic"]:
        self.opened += 1
        if self.unreachable:
            raise BrokerUnreachableError("no broker")
        yield self

    async def read_to_end(self) -> list[LedgerRecord]:
        return list(self.records)

    async def read_on(self) -> AsyncIterator[LedgerRecord]:
        while True:
            found = await self.coming.get()
            if isinstance(found, Exception):
                raise found
            yield found

    async def read_chunks(self, sha256: str) -> list[bytes]:
        return next(list(packed.chunks) for packed in PACKED.values() if packed.sha256 == sha256)

    async def ask(self) -> None:
        if self.unreachable:
            raise BrokerUnreachableError("no broker")


class Bench:
    """A follower over a topic; `bad` does not compile, `slow` waits for `go`."""

    def __init__(self, *names: str, **settings: Any) -> None:  # noqa: ANN401 - any setting
        self.writer = Writer()
        self.topic = Topic()
        for name in names:
            self.writer.write(self.place(name))
        self.topic.records = list(self.writer.records)
        self.in_force = InForce("v1")
        self.refused: list[str] = []
        self.builds = 0
        self.go = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.follower = StrategyFollower(
            Settings.model_validate({"status_interval_s": 0.1, **settings}),
            self.topic.open,
            KEYS,
            preparer=Preparer(self._prepare),
            in_force=self.in_force,
            standing=Standing(make_bundle(IMAGE)),
            watchers=Watchers(lambda: None, self._count_build, self.refused.append, lambda _: None),
        )

    @staticmethod
    def place(name: str, channel: str = "live") -> dict[str, Any]:
        return publish(HASHES[name], channel)

    def _count_build(self) -> None:
        self.builds += 1

    def _prepare(self, files: BundleFiles, reuse: LiveBundle | None, published_at: datetime) -> LiveBundle:  # noqa: ARG002
        name = files["bundle.yaml"].decode().removeprefix("version: ")
        if name == "bad":
            raise StrategyError([Problem("bundle.yaml", 1, 1, "is bad", "mend it")])
        if name == "slow":
            asyncio.run_coroutine_threadsafe(self.go.wait(), self._loop).result(20)
        return make_bundle(HASHES[name])

    def send(self, told: dict[str, Any]) -> None:
        self.writer.write(told)
        self.topic.coming.put_nowait(self.writer.records[-1])

    @property
    def live(self) -> str | None:
        deployment = self.in_force.deployment
        return deployment.live.strategies.sha256 if deployment else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bench"]:
        task = asyncio.create_task(self.follower.run())
        try:
            yield self
        finally:
            self.go.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not so():
                await asyncio.sleep(0.005)

    async def until_live(self, name: str) -> None:
        await self.until(lambda: self.live == HASHES[name])


async def test_what_was_published_is_in_force_before_anything_else() -> None:
    """The image's bundle does not decide in between."""
    async with Bench("one", "two").running() as bench:
        await bench.follower.settled.wait()
        assert bench.live == HASHES["two"]
        assert bench.builds == 1


async def test_what_is_published_while_it_runs_comes_into_force() -> None:
    """Each one is another build; a candidate is none."""
    async with Bench("one").running() as bench:
        await bench.until_live("one")
        bench.send(bench.place("two"))
        await bench.until_live("two")
        bench.send(bench.place("three", "candidate"))
        await bench.until(lambda: bool(bench.in_force.deployment and bench.in_force.deployment.candidate))
        assert (bench.live, bench.builds) == (HASHES["two"], 2)


async def test_a_bundle_that_cannot_be_prepared_is_refused_and_the_next_one_taken() -> None:
    """The old one goes on meanwhile."""
    async with Bench("one").running() as bench:
        await bench.until_live("one")
        bench.send(bench.place("bad"))
        await bench.until(lambda: bench.refused == ["bundle"])
        assert bench.live == HASHES["one"]
        assert bench.follower.standing.settled_sequence == 2
        bench.send(bench.place("two"))
        await bench.until_live("two")


async def test_a_record_that_does_not_count_is_refused_and_the_next_one_taken() -> None:
    """A replayed entry, one of another history, and no entry at all."""
    async with Bench("one", "two").running() as bench:
        await bench.until_live("two")
        bench.topic.coming.put_nowait(bench.writer.records[0])
        bench.topic.coming.put_nowait(bench.writer.records[0]._replace(value=None))
        bench.topic.coming.put_nowait(LedgerRecord("ledger/x", b"noise"))
        bench.send(bench.place("three"))
        await bench.until_live("three")
        assert bench.refused == ["entry"] * 3


async def test_a_block_is_in_force_while_a_bundle_is_still_compiled() -> None:
    """An emergency does not wait for a large publication before it."""
    async with Bench("one").running() as bench:
        await bench.until_live("one")
        bench.send(bench.place("slow"))
        bench.send(block("b-1"))
        await bench.until(lambda: bool(bench.in_force.deployment and bench.in_force.deployment.blocks.entries))
        assert bench.live == HASHES["one"]
        assert bench.follower.standing.settled_sequence == 1
        bench.go.set()
        await bench.until_live("slow")


async def test_an_outage_leaves_what_is_in_force_and_is_waited_out() -> None:
    """Of the connection and of the whole topic; what came meanwhile is taken then."""
    async with Bench("one").running() as bench:
        await bench.until_live("one")
        bench.topic.unreachable = True
        bench.topic.coming.put_nowait(BrokerUnreachableError("gone"))
        await bench.until(lambda: bench.topic.opened > 1)
        assert bench.live == HASHES["one"]
        bench.writer.write(bench.place("two"))
        bench.topic.records = list(bench.writer.records)
        bench.topic.unreachable = False
        await bench.until_live("two")
        assert bench.refused == []


async def test_a_topic_that_was_emptied_does_not_bring_an_old_state_back() -> None:
    """The image's bundle, above all; it is told."""
    async with Bench("one", "two").running() as bench:
        await bench.until_live("two")
        bench.topic.records = bench.writer.records[:1]
        bench.topic.coming.put_nowait(BrokerUnreachableError("gone"))
        await bench.until(lambda: bench.refused == ["history"])
        assert bench.live == HASHES["two"]


async def test_an_empty_topic_lets_the_image_decide_unless_it_never_may() -> None:
    """Until the first publication."""
    async with Bench().running() as bench:
        await bench.until(lambda: bench.live == IMAGE)
        bench.send(bench.place("one"))
        await bench.until_live("one")
    async with Bench(image_bundle="never").running() as strict:
        await strict.until(lambda: "no bundle was ever published" in strict.follower.waits_for)
        assert not strict.follower.settled.is_set()


async def test_a_topic_out_of_reach_lets_the_image_decide_only_where_that_is_allowed() -> None:
    """The others wait, and say for what."""
    for kind in ("never", "when_empty"):
        bench = Bench("one", image_bundle=kind)
        bench.topic.unreachable = True
        async with bench.running():
            await bench.until(lambda bench=bench: "cannot be read: no broker" in bench.follower.waits_for)  # type: ignore[misc]
            assert bench.live is None
            bench.topic.unreachable = False
            await bench.until_live("one")
    lenient = Bench("one", image_bundle="when_unreachable")
    lenient.topic.unreachable = True
    async with lenient.running():
        await lenient.until(lambda: lenient.live == IMAGE)
        assert lenient.follower.unreachable_s > 0
        lenient.topic.unreachable = False
        await lenient.until_live("one")
