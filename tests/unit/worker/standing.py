"""Bundles that stand for real ones, and a worker's standing over a ledger that a test writes."""

from dataclasses import dataclass
from typing import Any, cast

from service.answer import LiveBundle
from service.contracts.decision import BundleRef
from service.deployment import Deployment
from service.release.ledger import Placed
from service.worker.deploying import Standing
from tests.unit.release.signed import Writer


@dataclass(frozen=True)
class FakeStrategies:
    """As much of a bundle as deploying looks at."""

    sha256: str
    version: str = "1"

    @property
    def ref(self) -> BundleRef:
        return BundleRef(version=self.version, sha256=self.sha256)


@dataclass(frozen=True)
class FakeClassifier:
    """As much of a classifier as a build's name needs."""

    model_hash: str = "ab" * 32


def make_bundle(sha256: str) -> LiveBundle:
    """Return a bundle of this content hash."""
    return LiveBundle(cast("Any", FakeStrategies(sha256)), cast("Any", FakeClassifier()))


class Bench:
    """A ledger and a worker that follows it; every bundle can be prepared but those of `unfit`."""

    def __init__(self, image: str | None = None, unfit: tuple[str, ...] = ()) -> None:
        self.writer = Writer()
        self.standing = Standing(make_bundle(image) if image else None)
        self.unfit = unfit
        self.prepared: list[str] = []
        self.now: Deployment | None = None

    def write(self, told: dict[str, Any]) -> None:
        """Write an entry and let the worker take it, without preparing anything."""
        assert self.standing.take(self.writer.write(told)) is None
        self.deploy()

    def deploy(self) -> Deployment | None:
        """Put in force what is due."""
        self.now = self.standing.deploy(self.now)
        return self.now

    def prepare(self) -> None:
        """Prepare all that is due."""
        while (placed := self.standing.find_unprepared()) is not None:
            self.prepared.append(placed.bundle)
            self._prepare(placed)
            self.deploy()
        self.deploy()

    def _prepare(self, placed: Placed) -> None:
        if placed.bundle in self.unfit:
            self.standing.refuse_bundle(placed, "its tests fail")
        else:
            self.standing.add(placed, make_bundle(placed.bundle))

    def follow(self, *told: dict[str, Any]) -> Deployment | None:
        """Write entries, prepare after each, and return what is in force."""
        for one in told:
            self.write(one)
            self.prepare()
        return self.now

    @property
    def deployment(self) -> Deployment:
        """What is in force; there has to be something."""
        assert self.now is not None
        return self.now

    def list_bundles(self) -> tuple[str | None, str | None]:
        """Return the content hashes of live and candidate in force."""
        if self.now is None:
            return None, None
        candidate = self.now.candidate
        return self.now.live.strategies.sha256, candidate.strategies.sha256 if candidate else None
