import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contracts.ledger import name_entry
from service.release.envelope import LedgerRefusedError
from service.release.folding import LedgerRecord, fold_records, take_record
from service.release.ledger import Ledger
from tests.unit.release.signed import ANNA, BEN, EVE, KEYS, ONE, THREE, TWO, Writer, block, publish, to_signed


def write_some() -> Writer:
    writer = Writer()
    writer.write(publish(ONE))
    writer.write(publish(TWO, "candidate"), (BEN,))
    writer.write(block("evil"))
    writer.write(publish(THREE))
    return writer


@given(st.permutations(range(4)))
def test_compaction_and_rewriting_do_not_change_what_is_in_force(order: list[int]) -> None:
    """A record that is written again moves behind its followers; the entries' own order counts."""
    writer = write_some()
    folded = fold_records([writer.records[place] for place in order], KEYS, allow_unsigned=False)
    assert folded == (writer.ledger, ())


def test_a_replayed_record_is_no_rollback_for_a_running_worker() -> None:
    """It is refused, and the next valid one is taken."""
    writer = write_some()
    with pytest.raises(LedgerRefusedError, match="it was replayed"):
        take_record(writer.ledger, writer.records[0], KEYS, allow_unsigned=False)
    assert writer.write(publish(TWO)).sequence == 5


def test_a_deleted_entry_is_told_and_shows_as_a_gap() -> None:
    """What came before it is in force, nothing after it, and the reason names the missing one."""
    writer = write_some()
    with pytest.raises(LedgerRefusedError, match="was deleted, but entries stay"):
        take_record(writer.ledger, writer.records[1]._replace(value=None), KEYS, allow_unsigned=False)
    folded = fold_records([record for record in writer.records if record.offset != 1], KEYS, allow_unsigned=False)
    assert folded.ledger.sequence == 1
    assert [str(error) for error in folded.refused] == [
        f"entry {number}: entry 2 is missing; restore the topic, it must not lose records" for number in (3, 4)
    ]


def test_of_two_writers_at_once_the_first_counts() -> None:
    """The second is told; after the next entry it stays so, whatever order the topic has by then."""
    writer = write_some()
    first, second = (to_signed(writer.make(publish(bundle)), (ANNA,)) for bundle in (ONE, TWO))
    records = [*writer.records, writer.record(first), writer.record(second)]
    folded = fold_records(records, KEYS, allow_unsigned=False)
    assert folded.ledger.last_hash == first.sha256
    assert ["somebody else came first" in str(error) for error in folded.refused] == [True]
    follower = Writer(folded.ledger)
    follower.write(publish(THREE))
    late = [*writer.records, records[-1], *follower.records, records[-2]]
    assert fold_records(late, KEYS, allow_unsigned=False).ledger == follower.ledger


def test_nobody_without_a_key_chooses_between_two_writers() -> None:
    """An unsigned follower does not make the second the first."""
    writer = write_some()
    first, second = (to_signed(writer.make(publish(bundle)), (ANNA,)) for bundle in (ONE, TWO))
    forged = to_signed(writer.make(publish(THREE), sequence=6, previous=second.sha256), (EVE,))
    records = [*writer.records, *map(writer.record, (first, second, forged))]
    folded = fold_records(records, KEYS, allow_unsigned=False)
    assert folded.ledger.last_hash == first.sha256
    assert len(folded.refused) == 2


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=80)), max_size=6))
def test_noise_changes_nothing(noise: list[tuple[int, bytes]]) -> None:
    """Whatever anybody writes between the entries."""
    writer = write_some()
    records = list(writer.records)
    for place, value in noise:
        records.insert(place, LedgerRecord(name_entry(place, "f" * 64), value))
    folded = fold_records(records, KEYS, allow_unsigned=False)
    assert folded.ledger == writer.ledger
    assert len(folded.refused) == len(noise)


def test_an_empty_topic_is_an_empty_ledger() -> None:
    """Nothing was ever published."""
    assert fold_records([], KEYS, allow_unsigned=False) == (Ledger(), ())
