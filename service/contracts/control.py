"""Topic `ads.moderation.control`: Sluice's own compacted ledger of trips, resumes and replays.

Key `trip/GROUP` holds the last `Trip` or `Resume` of a consumer group, key `replay/TOPIC-PARTITION-OFFSET` a `Replay`.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from service.contracts.model import Contract, Timestamp


class Trip(Contract):
    """The worker stopped fetching because too much failed; holds for every worker of the same build."""

    kind: Literal["trip"] = Field(default="trip", description="Says that this is a trip.")
    build: str = Field(description="Release, bundle and model in one string; a new build is not bound by the trip.")
    cause: str = Field(description="Which limit was exceeded, such as 'moderation_failed'.")
    message: str = Field(description="What was counted, and what to do about it.")
    worker: str = Field(description="The worker that saw it.")
    at: Timestamp = Field(description="When it stopped fetching.")


class Resume(Contract):
    """Somebody looked at the trip and lets the worker fetch again."""

    kind: Literal["resume"] = Field(default="resume", description="Says that this is a resume.")
    by: str = Field(max_length=128, description="Who let it fetch again.")
    at: Timestamp = Field(description="When.")


class Replay(Contract):
    """A dead letter was put back on the submissions topic, in the same transaction as this record."""

    kind: Literal["replay"] = Field(default="replay", description="Says that this is a replay.")
    by: str = Field(max_length=128, description="Who put it back.")
    at: Timestamp = Field(description="When.")
    mended: bool = Field(description="Whether its value was changed before.")


ControlRecord = Annotated[Trip | Resume | Replay, Field(discriminator="kind")]
CONTROL_RECORD: TypeAdapter[Trip | Resume | Replay] = TypeAdapter(ControlRecord)


def name_trip(group: str) -> str:
    """Return the key of a consumer group's trip."""
    return f"trip/{group}"


def name_replay(topic: str, partition: int, offset: int) -> str:
    """Return the key of a dead letter's replay."""
    return f"replay/{topic}-{partition}-{offset}"
