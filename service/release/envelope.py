"""Reads a ledger record's value: the envelope, the entry that was signed in it, and whose signatures hold.

What the entry says is judged by `ledger`; here only whether it is an entry, whose, and of a version that is known.
"""

import hashlib
import json
from typing import NamedTuple

from pydantic import ValidationError

from service.contracts.ledger import ENTRY, AnyEntry, Envelope, name_entry
from service.release.signing import PublicKeys, judge_signatures

KINDS = frozenset({"publish", "rollout", "abort", "promote", "block", "lift"})
_VERSION = 1
_LONGEST_ENVELOPE_BYTES = 262_144


class LedgerRefusedError(ValueError):
    """A ledger record does not count; the text says why and what to do.

    `sequence` is the one that the record claims, 0 where it could not be read. Anybody may claim any.
    """

    def __init__(self, why: str, sequence: int = 0, bundle: str | None = None) -> None:
        super().__init__(why)
        self.sequence, self.bundle = sequence, bundle


class SignedEntry(NamedTuple):
    """An entry, the envelope it came in, and the hash of its signed bytes, by which the next entry names it."""

    entry: AnyEntry
    envelope: Envelope
    sha256: str

    @property
    def bundle(self) -> str | None:
        """The bundle that the entry is about, if it is about one."""
        return getattr(self.entry, "bundle", None)

    def refuse(self, why: str) -> LedgerRefusedError:
        """Return the error that says why this entry does not count."""
        return LedgerRefusedError(f"{name_refusal(self.entry.sequence)}{why}", self.entry.sequence, self.bundle)


def name_refusal(sequence: int) -> str:
    """Return how the text of a refused record begins; a refused bundle's or block's does not."""
    return f"entry {sequence}: "


def read_envelope(value: bytes, key: str | None = None) -> SignedEntry:
    """Return a ledger record's entry; `key`: that of its record, which has to be the entry's own.

    Raises LedgerRefusedError for what is no entry, too long, of an unknown version or kind, or under a wrong key.
    """
    if len(value) > _LONGEST_ENVELOPE_BYTES:
        raise LedgerRefusedError(f"the record has {len(value):,} bytes, the limit is {_LONGEST_ENVELOPE_BYTES:,}")
    try:
        envelope = Envelope.model_validate_json(value)
    except ValidationError as error:
        raise LedgerRefusedError(f"the record is no envelope: {_first(error)}; look at who writes here") from None
    signed = SignedEntry(_read_entry(envelope.entry), envelope, hash_entry(envelope.entry))
    if key is not None and key != name_entry(signed.entry.sequence, signed.sha256):
        raise signed.refuse(f"it lies under the key '{key[:80]}', which is not its own; look at who writes here")
    return signed


def hash_entry(entry: str) -> str:
    """Return the SHA-256 of an entry's text, in hex."""
    return hashlib.sha256(entry.encode()).hexdigest()


def check_signatures(signed: SignedEntry, keys: PublicKeys, *, allow_unsigned: bool) -> frozenset[str]:
    """Return whose signatures hold. Raises LedgerRefusedError if one is broken, or none holds and one is needed."""
    signers, broken = judge_signatures(signed.envelope, keys)
    if broken:
        raise signed.refuse("a signature does not hold: the entry was changed or forged; look at who writes here")
    if not signers and not allow_unsigned:
        named = ", ".join(sorted({one.key for one in signed.envelope.signatures}))
        what = f"signed by unknown keys ({named})" if named else "not signed"
        raise signed.refuse(f"{what}; sign with a key whose public half is in SLUICE_STRATEGY_KEYS_DIR")
    return signers


def _read_entry(text: str) -> AnyEntry:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise LedgerRefusedError("the entry is no JSON; look at who writes here") from None
    if isinstance(raw, dict):
        version, kind = raw.get("schema_version", _VERSION), raw.get("kind")
        sequence = raw["sequence"] if isinstance(raw.get("sequence"), int) and 0 <= raw["sequence"] < 2**53 else 0
        if version != _VERSION or (isinstance(kind, str) and kind not in KINDS):
            what = f"entry {sequence} has version {str(version)[:20]} and kind '{str(kind)[:40]}'"
            raise LedgerRefusedError(f"{what}, this release reads version {_VERSION}; upgrade Sluice", sequence)
    try:
        return ENTRY.validate_json(text)
    except ValidationError as error:
        raise LedgerRefusedError(f"the record holds no entry: {_first(error)}; publish by `sluice`") from None


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'value'}: {fault['msg']}"
