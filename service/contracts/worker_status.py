"""Topic `ads.strategies.status`: what each worker runs by, as it says itself; compacted, the key is the worker's id.

Written at every change and every few seconds; a worker without a recent record is gone. A tombstone: it left.
"""

from typing import Literal

from pydantic import Field

from service.contracts.model import Contract, Sha256, Timestamp


class Refusal(Contract):
    """A ledger entry or a bundle that this worker did not take; what was in force before went on."""

    sequence: int = Field(ge=0, description="The entry's sequence; 0 if it could not be read.")
    bundle: Sha256 | None = Field(default=None, description="The bundle that was refused.")
    why: str = Field(max_length=4_000, description="What is wrong with it, and the remedy.")
    at: Timestamp = Field(description="When.")


class WorkerStatus(Contract):
    """One worker, now."""

    schema_version: Literal[1] = Field(default=1, description="Version of this format.")
    worker: str = Field(max_length=256, description="Host and process; also the record's key.")
    group: str = Field(max_length=128, description="Its consumer group.")
    build: str = Field(description="Release, bundle and model in one string.")
    at: Timestamp = Field(description="When this was written.")
    state: Literal["starting", "running"] = Field(description="Whether it decides ads.")
    sequence: int = Field(ge=0, description="The last entry of the ledger that it has read and taken or refused.")
    source: Literal["topic", "image"] = Field(description="Where its live bundle came from.")
    live: Sha256 | None = Field(description="The bundle that decides; None while it starts.")
    live_version: str = Field(default="", description="Its version.")
    candidate: Sha256 | None = Field(default=None, description="The candidate that it evaluates.")
    candidate_off: str = Field(default="", description="Why the candidate is switched off here; '' if it is not.")
    rollout: str | None = Field(default=None, description="The rollout in force.")
    percent: float = Field(default=0.0, ge=0, le=100, description="Its share of the advertisers.")
    blocks: int = Field(default=0, ge=0, description="How many blocks are in force.")
    refusals: tuple[Refusal, ...] = Field(default=(), max_length=20, description="The latest first.")
