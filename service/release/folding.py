"""Folds all ledger records that a reader meets at its start, in the order of the entries, not of the records.

A compacted topic keeps the last record of a key, so an entry that somebody wrote once more lies behind its followers.
Of two entries with one sequence, the first that came counts, unless a later entry was built upon the other.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from service.release.envelope import LedgerRefusedError, SignedEntry, check_signatures, read_envelope
from service.release.ledger import Ledger
from service.release.signing import PublicKeys


class LedgerRecord(NamedTuple):
    """A record of the ledger as it lies in the topic; `value` None is a tombstone."""

    key: str
    value: bytes | None
    offset: int = 0
    timestamp_ms: int = 0


class Folded(NamedTuple):
    """The state after all records, and those that did not count."""

    ledger: Ledger
    refused: tuple[LedgerRefusedError, ...]


def take_record(ledger: Ledger, record: LedgerRecord, keys: PublicKeys, *, allow_unsigned: bool) -> Ledger:
    """Return the state after one record that came in. Raises LedgerRefusedError, for a tombstone too."""
    return ledger.take(read_record(record), keys, allow_unsigned=allow_unsigned)


def read_record(record: LedgerRecord) -> SignedEntry:
    """Return a record's entry. Raises LedgerRefusedError if it holds none."""
    if record.value is None:
        raise LedgerRefusedError(f"'{record.key[:80]}' was deleted, but entries stay; look at who writes here")
    return read_envelope(record.value, record.key)


def fold_records(records: Iterable[LedgerRecord], keys: PublicKeys, *, allow_unsigned: bool) -> Folded:
    """Return the state after `records`, which come in the topic's order."""
    refused: list[LedgerRefusedError] = []
    by_sequence: dict[int, list[tuple[SignedEntry, frozenset[str]]]] = defaultdict(list)
    for record in records:
        try:
            signed = read_record(record)
            signers = check_signatures(signed, keys, allow_unsigned=allow_unsigned)
        except LedgerRefusedError as error:
            refused.append(error)
        else:
            by_sequence[signed.entry.sequence].append((signed, signers))
    ledger = Ledger()
    for sequence in sorted(by_sequence):
        named = {follower.entry.previous for follower, _ in by_sequence.get(sequence + 1, ())}
        # `sorted` is stable: those that were built upon first, then in the order in which they came.
        for signed, signers in sorted(by_sequence[sequence], key=lambda one: one[0].sha256 not in named):
            try:
                ledger = ledger.take_checked(signed, signers, keys)
            except LedgerRefusedError as error:
                if signed.sha256 != ledger.last_hash:  # the same record twice is no fault
                    refused.append(error)
    return Folded(ledger, tuple(refused))
