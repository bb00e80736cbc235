"""Words what a worker decides by as levels of the catalogue's gauges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from service.contracts.decision import BundleRef
from service.observability import catalogue
from service.observability.spec import MetricSpec


@dataclass(frozen=True)
class StrategyLevels:
    """What is in force at one moment; `swapped_at_s` is Unix time."""

    live: BundleRef
    candidate: BundleRef | None
    source: Literal["topic", "image"]
    sequence: int
    blocks: int
    swapped_at_s: float

    def list_levels(self) -> Mapping[MetricSpec, Mapping[tuple[str, ...], float]]:
        """Return the levels by gauge and label values; what is not named there is not so any more."""
        bundles: dict[tuple[str, ...], float] = {("live", self.live.version, self.live.sha256): 1.0}
        if self.candidate is not None:
            bundles["candidate", self.candidate.version, self.candidate.sha256] = 1.0
        return {
            catalogue.BUNDLE_INFO: bundles,
            catalogue.STRATEGIES_SOURCE: {(name,): float(name == self.source) for name in ("topic", "image")},
            catalogue.LEDGER_SEQUENCE: {(): float(self.sequence)},
            catalogue.BLOCKS: {(): float(self.blocks)},
            catalogue.SWAPPED_AT: {(): self.swapped_at_s},
        }
