"""Makes keys, entries and whole ledgers for tests."""

import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.contracts.ledger import NO_ENTRY, AnyEntry, Block, Envelope, Guard, Publish, name_entry
from service.release.envelope import SignedEntry, read_envelope
from service.release.folding import LedgerRecord
from service.release.ledger import Ledger
from service.release.signing import PublicKeys, SigningKey, sign

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANNA, BEN, EVE = (
    SigningKey(name, Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32))) for name in ("anna", "ben", "eve")
)
KEYS = PublicKeys({key.name: key.key.public_key() for key in (ANNA, BEN)})
"""Anna's and Ben's count, Eve's does not."""
ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64


def publish(
    bundle: str,
    channel: str = "live",
    guards: dict[str, Guard] | None = None,
    **fields: Any,  # noqa: ANN401 - any field of the entry
) -> dict[str, Any]:
    """Return what makes a publication, without its place in the ledger."""
    told = {"channel": channel, "bundle": bundle, "version": f"v{bundle[0]}", "chunks": 1, "packed_bytes": 10}
    return {"kind": Publish, **told, "guards": guards or {}, **fields}


def block(name: str, value: str = "evil.example", hours: float = 1.0, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the entry
    """Return what makes a block of a host."""
    told = {"block": name, "what": "host", "value": value, "policy": "phishing"}
    return {"kind": Block, **told, "expires_at": AT + timedelta(hours=hours), **fields}


def guard(approvals: int, letter: str = "a") -> Guard:
    """Return a guard whose content is told by a letter."""
    return Guard(approvals=approvals, sha256=letter * 64)


def envelop(entry: AnyEntry, signers: Iterable[SigningKey] = (ANNA,)) -> Envelope:
    """Return the signed envelope of an entry."""
    text = entry.model_dump_json()
    return Envelope(entry=text, signatures=tuple(sign(text, key) for key in signers))


def to_signed(entry: AnyEntry, signers: Iterable[SigningKey] = (ANNA,)) -> SignedEntry:
    """Return the entry as it is read from its record."""
    return read_envelope(envelop(entry, signers).model_dump_json().encode())


class Writer:
    """Writes entries one after the other, as one person who sees them all does."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.records: list[LedgerRecord] = []
        self._offsets = itertools.count()

    def make(self, told: dict[str, Any], **place: Any) -> AnyEntry:  # noqa: ANN401
        """Return the next entry; `place` gives it another sequence or another one before it."""
        fields = dict(told)
        kind: Callable[..., AnyEntry] = fields.pop("kind")
        wanted = {"sequence": self.ledger.sequence + 1, "previous": self.ledger.last_hash, **place}
        return kind(at=AT, author="anna", reason="because", **wanted, **fields)

    def record(self, signed: SignedEntry) -> LedgerRecord:
        """Return the entry's record, as the next one of the topic."""
        value = signed.envelope.model_dump_json().encode()
        return LedgerRecord(name_entry(signed.entry.sequence, signed.sha256), value, next(self._offsets))

    def write(self, told: dict[str, Any], signers: Iterable[SigningKey] = (ANNA,)) -> Ledger:
        """Take the next entry and return the state after it."""
        signed = to_signed(self.make(told), signers)
        self.records.append(self.record(signed))
        self.ledger = self.ledger.take(signed, KEYS, allow_unsigned=False)
        return self.ledger


FIRST = NO_ENTRY
