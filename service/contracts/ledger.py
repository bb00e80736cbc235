"""Topic `ads.strategies`: which bundles are in force, as a signed ledger, and the bundles themselves in chunks.

A bundle of content hash HASH lies under the keys `bundle/HASH/0`, `bundle/HASH/1` ...; entry N of the ledger under
`ledger/N/START` (ten digits, and the start of its own hash: of two people who write entry N at once, compaction must
not keep the second in the place of the first). Chunks are written first, the entry that names them last. What is in
force is the fold of the entries in their order: an entry counts only if its sequence is the last one's plus one, if it
names the last one's hash, and if its signatures hold. So a record that is replayed, changed or left out cannot bring
back an old state.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from service.contracts.model import Contract, Country, Id, Sha256, Slug, Timestamp

SIGNING_DOMAIN = b"sluice-ledger-v1\n"
"""Stands before the signed bytes, so that a signature made for something else is never one of the ledger."""

Channel = Literal["live", "candidate"]
BlockKind = Literal["host", "advertiser", "term", "text-hash"]
NO_ENTRY = "0" * 64
"""`previous` of the first entry."""
LEDGER_PREFIX, PROPOSAL_PREFIX, CHUNK_PREFIX = "ledger/", "proposal/", "bundle/"
"""How the keys of entries, proposals and chunks begin."""


class Entry(Contract):
    """What all entries have. Signed are the bytes of the entry as they stand in its envelope."""

    schema_version: Literal[1] = Field(default=1, description="Version of this format.")
    sequence: int = Field(ge=1, description="Place in the ledger; one more than the last entry's.")
    previous: Sha256 = Field(description="SHA-256 of the last entry's signed bytes; zeros for the first.")
    at: Timestamp = Field(description="When it was signed, by the author's clock.")
    author: str = Field(min_length=1, max_length=128, description="Who wrote it.")
    reason: str = Field(min_length=1, max_length=500, description="Why.")


class Guard(Contract):
    """A strategy that several people have to approve, as the bundle has it."""

    approvals: int = Field(ge=2, le=16, description="How many people have to sign for a change of it.")
    sha256: Sha256 = Field(
        description="Over everything that its rulings depend on; see `service/release/approvals.py`."
    )


class Publish(Entry):
    """A bundle is put on a channel: `live` decides, `candidate` is evaluated beside it."""

    kind: Literal["publish"] = Field(default="publish", description="Says that this is a publication.")
    channel: Channel = Field(description="Where the bundle goes.")
    bundle: Sha256 = Field(description="Content hash of the bundle.")
    version: str = Field(max_length=64, description="The bundle's own version.")
    chunks: int = Field(ge=1, le=100_000, description="How many records hold it.")
    packed_bytes: int = Field(ge=1, description="Their bytes together.")
    guards: dict[Slug, Guard] = Field(
        default_factory=dict, description="Its strategies that need several signatures; workers check it by the files."
    )
    rollback: bool = Field(default=False, description="Whether it brings back a bundle that was live before.")


class RolloutScope(Contract):
    """Which ads a rollout concerns; an empty dimension means any."""

    verticals: tuple[Slug, ...] = Field(default=(), description="Verticals.")
    markets: tuple[Country, ...] = Field(default=(), description="Markets.")
    products: tuple[Slug, ...] = Field(default=(), description="Ad products.")


class SetRollout(Entry):
    """A share of the advertisers is decided by the candidate. A later entry of the same rollout changes its width."""

    kind: Literal["rollout"] = Field(default="rollout", description="Says that this sets a rollout.")
    rollout: Slug = Field(description="Name of the rollout; its salt: a new one draws other advertisers.")
    bundle: Sha256 = Field(description="The candidate that it is for.")
    percent: float = Field(gt=0, le=100, description="Share of the advertisers.")
    scope: RolloutScope = Field(default_factory=RolloutScope, description="Which ads it concerns.")


class Abort(Entry):
    """The candidate is taken off: no shadow, no rollout."""

    kind: Literal["abort"] = Field(default="abort", description="Says that the candidate is taken off.")
    bundle: Sha256 = Field(description="The candidate.")


class Promote(Entry):
    """The candidate becomes live for all."""

    kind: Literal["promote"] = Field(default="promote", description="Says that the candidate becomes live.")
    bundle: Sha256 = Field(description="The candidate.")


class Block(Entry):
    """An emergency: what it names is rejected at once, in every bundle and arm, until it expires or is lifted."""

    kind: Literal["block"] = Field(default="block", description="Says that this is a block.")
    block: Slug = Field(description="Name of the block, as reasons show it: `block/NAME`.")
    what: BlockKind = Field(description="What is blocked.")
    value: str = Field(min_length=1, max_length=1_000, description="Host, advertiser id, term, or SHA-256 of a text.")
    policy: Slug = Field(description="Which policy the advertiser is told about.")
    expires_at: Timestamp = Field(description="When it ends by itself.")


class Lift(Entry):
    """A block is taken back."""

    kind: Literal["lift"] = Field(default="lift", description="Says that a block is taken back.")
    block: Slug = Field(description="Name of the block.")


AnyEntry = Publish | SetRollout | Abort | Promote | Block | Lift
ENTRY: TypeAdapter[AnyEntry] = TypeAdapter(Annotated[AnyEntry, Field(discriminator="kind")])


class Signature(Contract):
    """One person's signature, Ed25519 over `SIGNING_DOMAIN` and the entry's bytes."""

    key: Id = Field(description="Name of the key, as in the workers' folder of public keys.")
    signature: str = Field(max_length=128, description="Base64.")


class Envelope(Contract):
    """A ledger record's value: the entry as text, exactly as it was signed, and its signatures."""

    entry: str = Field(max_length=65_536, description="The entry, JSON as text: no rewriting can break a signature.")
    signatures: tuple[Signature, ...] = Field(default=(), max_length=16, description="By distinct keys.")


def name_entry(sequence: int, sha256: str) -> str:
    """Return the key of an entry's record; `sha256` is that of its signed bytes."""
    return f"{LEDGER_PREFIX}{sequence:010d}/{sha256[:16]}"


def name_proposal(bundle: str) -> str:
    """Return the key under which an entry waits for more signatures; workers pass over it."""
    return f"{PROPOSAL_PREFIX}{bundle}"


def name_chunk(bundle: str, number: int) -> str:
    """Return the key of a bundle's chunk."""
    return f"{CHUNK_PREFIX}{bundle}/{number}"
