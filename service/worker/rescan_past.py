"""What was last decided about each ad of a rescan, read from `ads.decisions` and kept up to date while it runs."""

import sys
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from pydantic import BaseModel, ValidationError

from service.contracts.decision import Origin, Outcome
from service.contracts.model import Timestamp
from service.worker.topic_reading import ReadRecord, TopicReader

_log = structlog.get_logger(__name__)


class _Read(BaseModel):
    """What of a decision's record a rescan asks about."""

    decision_id: UUID
    revision: int
    sequence: int
    outcome: Outcome
    origin: Origin
    received_at: Timestamp


class LastDecision(NamedTuple):
    """The decision that applies to an ad. Small, since there is one of each ad; `partition`: of `ads.decisions`."""

    revision: int
    sequence: int
    decision_id: UUID
    outcome: Outcome
    place: tuple[str, int, int]
    received_at: datetime
    partition: int

    @property
    def origin(self) -> Origin:
        """Where the submission lies."""
        topic, partition, offset = self.place
        return Origin(topic=topic, partition=partition, offset=offset)


class PastDecisions:
    """The last decision of each ad among `ads`; others are passed over, so memory goes with the rescan alone."""

    def __init__(self, ads: AbstractSet[bytes]) -> None:
        """Take the ads' ids as records have them in their keys."""
        self._ads = ads
        self._last: dict[bytes, LastDecision] = {}
        self._positions: dict[int, int] = {}

    def find(self, ad_id: str) -> LastDecision | None:
        """Return the decision that applies to an ad; None if the topic holds none (any more)."""
        return self._last.get(ad_id.encode())

    async def catch_up(self, reader: TopicReader) -> None:
        """Read what came since the last time, to the topic's present end. Raises BrokerUnreachableError."""
        for partition, (start, end) in sorted((await reader.find_bounds()).items()):
            first = max(self._positions.get(partition, start), start)
            if first < end:
                async for records in reader.read_partition(partition, first, end):
                    for record in records:
                        self.take(record)
            self._positions[partition] = max(first, end)

    def take(self, record: ReadRecord) -> None:
        """Note a decision. The first record of a decision counts, as for every reader of the topic."""
        if record.key is None or record.value is None or record.key not in self._ads:
            return
        try:
            read = _Read.model_validate_json(record.value)
        except ValidationError as error:
            why = str(error).splitlines()[0]
            _log.warning("decision_skipped", partition=record.partition, offset=record.offset, why=why)
            return
        known = self._last.get(record.key)
        if known is None or (read.revision, read.sequence) > known[:2]:
            place = sys.intern(read.origin.topic), read.origin.partition, read.origin.offset
            self._last[record.key] = LastDecision(
                read.revision, read.sequence, read.decision_id, read.outcome, place, read.received_at, record.partition
            )
