"""What was last decided about each ad of a rescan, read from `ads.decisions` and kept up to date while it runs."""

from collections.abc import Iterable
from uuid import UUID

import structlog
from pydantic import BaseModel, ValidationError

from service.contracts.decision import Origin, Outcome
from service.contracts.model import Timestamp
from service.worker.topic_reading import ReadRecord, TopicReader

_log = structlog.get_logger(__name__)


class LastDecision(BaseModel):
    """The decision that applies to an ad, as far as a rescan asks; `partition`: of `ads.decisions`."""

    decision_id: UUID
    revision: int
    sequence: int
    outcome: Outcome
    origin: Origin
    received_at: Timestamp
    partition: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """Which decision of an ad applies: the highest."""
        return self.revision, self.sequence


class PastDecisions:
    """The last decision of each ad among `ads`; others are passed over, so memory goes with the rescan alone."""

    def __init__(self, ads: Iterable[str]) -> None:
        self._ads = {ad.encode() for ad in ads}
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
        if record.key not in self._ads or record.value is None:
            return
        try:
            decision = LastDecision.model_validate_json(record.value)
        except ValidationError as error:
            why = str(error).splitlines()[0]
            _log.warning("decision_skipped", partition=record.partition, offset=record.offset, why=why)
            return
        known = self._last.get(record.key)
        if known is None or decision.rank > known.rank:
            decision.partition = record.partition
            self._last[record.key] = decision
