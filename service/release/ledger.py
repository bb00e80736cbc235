"""The ledger: what is in force, as the fold of signed entries. One entry after the other, or it is refused.

A refused record changes nothing and does not stand in the way of the next. The state depends on the records and the
public keys alone, so all workers come to the same one, whenever they begin to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from service.contracts.ledger import (
    NO_ENTRY,
    Abort,
    AnyEntry,
    Block,
    Guard,
    Lift,
    Promote,
    Publish,
    SetRollout,
)
from service.release.approvals import ApprovalsMissingError, require_approvals
from service.release.envelope import LedgerRefusedError, SignedEntry, check_signatures, name_refusal, read_envelope
from service.release.signing import PublicKeys


class UnapprovedError(LedgerRefusedError):
    """All is well with the entry, but more people have to sign it."""


class LateError(LedgerRefusedError):
    """Another entry of this number is in force: it was replayed, or somebody else was quicker."""


class Accepted(NamedTuple):
    """An entry that counted, who had signed it (names whose signatures held), and the hash of its signed bytes."""

    entry: AnyEntry
    signers: frozenset[str]
    sha256: str


class Placed(NamedTuple):
    """A bundle on a channel. `sequence` and `at`: of the entry that put it there; the rest as its publication says."""

    bundle: str
    version: str
    chunks: int
    guards: Mapping[str, Guard]
    sequence: int
    at: datetime
    published_at: datetime


@dataclass(frozen=True)
class Ledger:
    """What is in force after `sequence` entries; `lives` are all bundles that were live, in order, the last one is."""

    sequence: int = 0
    last_hash: str = NO_ENTRY
    lives: tuple[Placed, ...] = ()
    candidate: Placed | None = None
    rollout: SetRollout | None = None
    blocks: Mapping[str, Block] = field(default_factory=lambda: MappingProxyType({}))
    history: tuple[Accepted, ...] = ()

    @property
    def live(self) -> Placed | None:
        """The bundle that decides; None before the first publication."""
        return self.lives[-1] if self.lives else None

    def take(self, signed: SignedEntry, keys: PublicKeys, *, allow_unsigned: bool) -> "Ledger":
        """Return the state after this entry. Raises LedgerRefusedError; the state it was asked of stays as it is."""
        return self.take_checked(signed, check_signatures(signed, keys, allow_unsigned=allow_unsigned), keys)

    def take_checked(self, signed: SignedEntry, signers: frozenset[str], keys: PublicKeys) -> "Ledger":
        """Do the same for an entry whose signatures were checked by `check_signatures`, which said who signed."""
        _check_place(self, signed)
        try:
            # Unsigned, where no key is known: nobody can be told from anybody else, so counting would be for show.
            changed = _apply(self, signed.entry, signers if keys.keys else None)
        except ApprovalsMissingError as error:
            text = f"{name_refusal(signed.entry.sequence)}{error}"
            raise UnapprovedError(text, signed.entry.sequence, signed.bundle) from None
        except _MisfitError as error:
            raise signed.refuse(str(error)) from None
        accepted = Accepted(signed.entry, signers, signed.sha256)
        return replace(
            changed, sequence=signed.entry.sequence, last_hash=signed.sha256, history=(*self.history, accepted)
        )


class _MisfitError(ValueError):
    """The entry does not fit the state."""


def _check_place(ledger: Ledger, signed: SignedEntry) -> None:
    entry = signed.entry
    if entry.sequence <= ledger.sequence:
        why = f"{ledger.sequence} is already in force; it was replayed, or somebody else came first"
        raise LateError(name_refusal(entry.sequence) + why, entry.sequence, signed.bundle)
    if entry.sequence > ledger.sequence + 1:
        raise signed.refuse(f"entry {ledger.sequence + 1} is missing; restore the topic, it must not lose records")
    if entry.previous != ledger.last_hash:
        raise signed.refuse("it was written after another history; read the ledger and write it again")


def _apply(ledger: Ledger, entry: AnyEntry, signers: frozenset[str] | None) -> Ledger:
    """Return the state with the entry's change. `signers` None: approvals are not asked for."""
    match entry:
        case Publish():
            return _publish(ledger, entry, signers)
        case SetRollout():
            candidate = _require_candidate(ledger, entry.bundle)
            # A rollout decides ads by the candidate, so it needs what making it live needs.
            require_approvals(ledger.live.guards if ledger.live else {}, candidate.guards, signers)
            return replace(ledger, rollout=entry)
        case Promote():
            candidate = _require_candidate(ledger, entry.bundle)
            require_approvals(ledger.live.guards if ledger.live else {}, candidate.guards, signers)
            placed = candidate._replace(sequence=entry.sequence, at=entry.at)
            return replace(ledger, lives=(*ledger.lives, placed), candidate=None, rollout=None)
        case Abort():
            _require_candidate(ledger, entry.bundle)
            return replace(ledger, candidate=None, rollout=None)
        case Block():
            return _block(ledger, entry)
        case Lift():
            if entry.block not in ledger.blocks:
                raise _MisfitError(f"there is no block '{entry.block}'; see `sluice block list`")
            kept = {name: block for name, block in ledger.blocks.items() if name != entry.block}
            return replace(ledger, blocks=MappingProxyType(kept))


def _publish(ledger: Ledger, entry: Publish, signers: frozenset[str] | None) -> Ledger:
    guards = MappingProxyType(entry.guards)
    placed = Placed(entry.bundle, entry.version, entry.chunks, guards, entry.sequence, entry.at, entry.at)
    if entry.channel == "candidate":
        return replace(ledger, candidate=placed, rollout=None)
    if entry.rollback:
        if not any(one.bundle == entry.bundle and one.guards == guards for one in ledger.lives):
            raise _MisfitError(f"bundle {entry.bundle[:12]} was never live; publish it instead of rolling back")
    else:
        require_approvals(ledger.live.guards if ledger.live else {}, guards, signers)
    return replace(ledger, lives=(*ledger.lives, placed))


def _block(ledger: Ledger, entry: Block) -> Ledger:
    if entry.expires_at <= entry.at:
        raise _MisfitError(f"block '{entry.block}' would end before it begins; give it a later end")
    known = ledger.blocks.get(entry.block)
    if known is not None and (known.what, known.value) != (entry.what, entry.value):
        raise _MisfitError(f"block '{entry.block}' is another one, of {known.what} {known.value[:60]}; take a new name")
    return replace(ledger, blocks=MappingProxyType({**ledger.blocks, entry.block: entry}))


def _require_candidate(ledger: Ledger, bundle: str) -> Placed:
    if ledger.candidate is None or ledger.candidate.bundle != bundle:
        now = ledger.candidate.bundle[:12] if ledger.candidate else "none"
        raise _MisfitError(f"bundle {bundle[:12]} is not the candidate (that is {now}); publish it as the candidate")
    return ledger.candidate


__all__ = ["Accepted", "Ledger", "LedgerRefusedError", "Placed", "SignedEntry", "UnapprovedError", "read_envelope"]
