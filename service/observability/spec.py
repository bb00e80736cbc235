"""How a metric is described: its name, type, help text, labels with their bounds, and buckets."""

from dataclasses import dataclass
from enum import StrEnum

OTHER = "other"
"""The value of a label once its bound is reached."""


class Kind(StrEnum):
    """The types that Prometheus knows, as far as Sluice uses them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Label:
    """One label. Its values are `values`, then the first `room` others that occur, then `other`."""

    name: str
    meaning: str
    values: tuple[str, ...] = ()
    room: int = 0
    max_chars: int = 64

    @property
    def most_values(self) -> int:
        """Return how many values the label can ever have, `other` included."""
        return len({*self.values, OTHER}) + self.room


@dataclass(frozen=True)
class MetricSpec:
    """One metric of the catalogue. `buckets` are upper bounds, in the unit that the name ends with."""

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
