"""Topic `ads.moderation.control`: Sluice's own compacted ledger of trips, resumes and replays.

Key `trip/GROUP` holds the last `Trip` or `Resume` of a consumer group, key `replay/TOPIC-PARTITION-OFFSET` a `Replay`.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from service.contracts.model import Contract, Timestamp


class Trip(Contract):
    """The worker stopped fetching because too much failed; holds for every worker of the same build."""

    kind: Literal["trip"] = "trip"
    build: str = Field(description="Release, bundle and model in one string; a new build is not bound by the trip.")
    cause: str = Field(description="Which limit was exceeded, such as 'moderation_failed'.")
    message: str
    worker: str
    at: Timestamp


class Resume(Contract):
    """Somebody looked at the trip and lets the worker fetch again."""

    kind: Literal["resume"] = "resume"
    by: str = Field(max_length=128)
    at: Timestamp


class Replay(Contract):
    """A dead letter was put back on the submissions topic, in the same transaction as this record."""

    kind: Literal["replay"] = "replay"
    by: str = Field(max_length=128)
    at: Timestamp
    mended: bool


ControlRecord = Annotated[Trip | Resume | Replay, Field(discriminator="kind")]
CONTROL_RECORD: TypeAdapter[Trip | Resume | Replay] = TypeAdapter(ControlRecord)


def name_trip(group: str) -> str:
    """Return the key of a consumer group's trip."""
    return f"trip/{group}"


def name_replay(topic: str, partition: int, offset: int) -> str:
    """Return the key of a dead letter's replay."""
    return f"replay/{topic}-{partition}-{offset}"
