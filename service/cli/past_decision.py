"""Finds a decision in Kafka by its coordinates, and the submission that it answers."""

import re
from typing import NamedTuple

from pydantic import ValidationError

from service.answer import Received
from service.cli.running import CommandError
from service.contracts.decision import Decision
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.scoring import to_time
from service.worker.topic_reading import ReadRecord, open_topic


class PastDecision(NamedTuple):
    """A decision and the ad as the worker received it."""

    decision: Decision
    received: Received


async def find_decision(settings: Settings, place: str) -> PastDecision:
    """Return the decision at PARTITION:OFFSET of the decisions topic, with its ad.

    Raises CommandError if either is not there (any more) or cannot be read, BrokerUnreachableError,
    RefusedByBrokerError.
    """
    if not re.fullmatch(r"\d{1,9}:\d{1,18}", place):
        raise CommandError(f"'{place}' is no place; write PARTITION:OFFSET of a decision, such as 3:1042")
    partition, offset = map(int, place.split(":"))
    record = await _read(settings, settings.decisions_topic, partition, offset)
    try:
        decision = Decision.model_validate_json(record.value or b"")
    except ValidationError as error:
        raise CommandError(
            f"{settings.decisions_topic} {place} holds no decision: {error.errors()[0]['msg']}"
        ) from None
    origin = decision.origin
    submitted = await _read(settings, origin.topic, origin.partition, origin.offset)
    try:
        submission, _ = read_submission(submitted.value)
    except UnreadableSubmissionError as error:
        raise CommandError(f"its submission cannot be read: {error.dead_letter.message}") from None
    return PastDecision(decision, Received(submission, origin, to_time(submitted.timestamp)))


async def _read(settings: Settings, topic: str, partition: int, offset: int) -> ReadRecord:
    async with open_topic(build_connection(settings), topic) as reader:
        record = await reader.read_one(partition, offset)
    if record is None:
        raise CommandError(f"{topic} holds no record at {partition}:{offset}; it may be past the topic's retention")
    return record
