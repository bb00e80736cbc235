"""The numbers behind one metric: a counter, a gauge or a histogram, with labels that cannot grow without bound.

prometheus_client renders them at a scrape. Its own instruments take a lock and walk the buckets for each
observation, about 1 microsecond; a worker counts thousands of ads a second but records once a chunk, so these
take a chunk's numbers in one call. Every method is safe to call from any thread and never blocks for long.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from threading import Lock
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from service.observability.spec import OTHER, Label, MetricSpec

LabelValues = tuple[str, ...]


class BoundedLabels:
    """Maps label values to admitted ones: a value beyond a label's bound becomes `other`."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self.names = tuple(label.name for label in labels)
        self._labels = tuple(labels)
        self._admitted = [set(label.values) for label in labels]

    def admit(self, values: LabelValues) -> LabelValues:
        """Return `values` with each one that is past its label's bound replaced.

        Raises ValueError when the number of values is not the number of labels.
        """
        return tuple(
            self._admit_one(label, admitted, value)
            for label, admitted, value in zip(self._labels, self._admitted, values, strict=True)
        )

    def list_closed(self) -> Iterable[LabelValues]:
        """Return every combination if all labels are closed sets, else nothing: these series start at zero."""
        return [] if any(label.room for label in self._labels) else product(*(label.values for label in self._labels))

    @staticmethod
    def _admit_one(label: Label, admitted: set[str], value: str) -> str:
        if value in admitted:
            return value
        shown = value.encode("utf-8", "backslashreplace").decode()[: label.max_chars]
        if shown in admitted:
            return shown
        if len(admitted) < len(label.values) + label.room:
            admitted.add(shown)
            return shown
        return OTHER


class CounterSeries:
    """A number of things that happened; only grows."""

    def __init__(self, spec: MetricSpec) -> None:
        self._spec = spec
        self._labels = BoundedLabels(spec.labels)
        self._lock = Lock()
        self._totals: dict[LabelValues, float] = dict.fromkeys(self._labels.list_closed(), 0.0)

    def add(self, amount: float, *values: str) -> None:
        """Add `amount` (at least 0) to the series of these label values."""
        self.add_all({values: amount})

    def add_all(self, amounts: Mapping[Any, float]) -> None:
        """Add a chunk's counts, by tuple of label values (Any, since a Mapping's key is invariant)."""
        with self._lock:
            for values, amount in amounts.items():
                if amount < 0:
                    raise ValueError(f"{self._spec.name} is a counter and cannot fall by {-amount}")
                admitted = self._labels.admit(values)
                self._totals[admitted] = self._totals.get(admitted, 0.0) + amount

    def collect(self) -> CounterMetricFamily:
        """Return the family as prometheus_client renders it."""
        family = CounterMetricFamily(self._spec.name, self._spec.help, labels=self._labels.names)
        with self._lock:
            totals = sorted(self._totals.items())
        for values, total in totals:
            family.add_metric(values, total)
        return family


class GaugeSeries:
    """A number that is so now."""

    def __init__(self, spec: MetricSpec) -> None:
        self._spec = spec
        self._labels = BoundedLabels(spec.labels)
        self._lock = Lock()
        self._levels: dict[LabelValues, float] = dict.fromkeys(self._labels.list_closed(), 0.0)

    def set(self, level: float, *values: str) -> None:
        """Set the series of these label values."""
        with self._lock:
            self._levels[self._labels.admit(values)] = level

    def replace(self, levels: Mapping[LabelValues, float]) -> None:
        """Set these series and drop all others, so that what is gone is not shown for ever."""
        with self._lock:
            self._labels = BoundedLabels(self._spec.labels)
            self._levels = {self._labels.admit(values): level for values, level in levels.items()}

    def collect(self) -> GaugeMetricFamily:
        """Return the family as prometheus_client renders it."""
        family = GaugeMetricFamily(self._spec.name, self._spec.help, labels=self._labels.names)
        with self._lock:
            levels = sorted(self._levels.items())
        for values, level in levels:
            family.add_metric(values, level)
        return family


class HistogramSeries:
    """How often a number fell below each bound; takes a whole chunk's observations at once."""

    def __init__(self, spec: MetricSpec) -> None:
        self._spec = spec
        self._lock = Lock()
        self._bounds = spec.buckets
        self._at_most = [0] * (len(spec.buckets) + 1)
        self._sum = 0.0

    def observe(self, *amounts: float) -> None:
        """Record one or a few amounts."""
        self.observe_all(amounts)

    def observe_all(self, amounts: Iterable[float]) -> None:
        """Record amounts; a negative one counts as 0, or the sum would fall as if the process had restarted.

        Sorts once and looks each bound up, so the cost hardly grows with the number of amounts.
        """
        ordered = sorted(amount if amount > 0 else 0.0 for amount in amounts)
        below = [bisect_right(ordered, bound) for bound in self._bounds]
        with self._lock:
            for index, count in enumerate(below):
                self._at_most[index] += count
            self._at_most[-1] += len(ordered)
            self._sum += sum(ordered)

    def collect(self) -> HistogramMetricFamily:
        """Return the family as prometheus_client renders it."""
        family = HistogramMetricFamily(self._spec.name, self._spec.help)
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        with self._lock:
            family.add_metric([], list(zip(names, map(float, self._at_most), strict=True)), self._sum)
        return family
