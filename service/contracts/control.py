"""Topic `ads.moderation.control`: Sluice's own compacted record of trips, resumes, replays and halts.

Key `trip/GROUP` holds the last `Trip` or `Resume` of a consumer group, `replay/TOPIC-PARTITION-OFFSET` a `Replay`,
`halt/ROLLOUT` the last `Halt` of a rollout.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from service.contracts.model import Contract, Slug, Timestamp


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


class Halt(Contract):
    """A worker saw a rollout's guard rail broken: every worker lets live decide again, until a new rollout is set.

    Not signed, since workers hold no signing keys; it can only take ads back to what is live.
    """

    kind: Literal["halt"] = Field(default="halt", description="Says that a rollout is stopped.")
    rollout: Slug = Field(description="The rollout.")
    sequence: int = Field(ge=1, description="The ledger entry that set it; a later entry is not bound by the halt.")
    cause: str = Field(max_length=64, description="Which guard rail, such as 'reject_share'.")
    message: str = Field(max_length=1_000, description="What was measured, and what to do about it.")
    worker: str = Field(description="The worker that saw it.")
    at: Timestamp = Field(description="When.")


AnyControl = Trip | Resume | Replay | Halt
ControlRecord = Annotated[AnyControl, Field(discriminator="kind")]
CONTROL_RECORD: TypeAdapter[AnyControl] = TypeAdapter(ControlRecord)


def name_trip(group: str) -> str:
    """Return the key of a consumer group's trip."""
    return f"trip/{group}"


def name_replay(topic: str, partition: int, offset: int) -> str:
    """Return the key of a dead letter's replay."""
    return f"replay/{topic}-{partition}-{offset}"


def name_halt(rollout: str) -> str:
    """Return the key of a rollout's halt."""
    return f"halt/{rollout}"
