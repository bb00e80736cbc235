from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.contracts.ledger import Abort, Guard, Lift, Promote, SetRollout
from service.release.ledger import Ledger, LedgerRefusedError, read_envelope
from service.release.signing import PublicKeys
from tests.unit.release.signed import (
    ANNA,
    AT,
    BEN,
    EVE,
    KEYS,
    ONE,
    THREE,
    TWO,
    Writer,
    block,
    envelop,
    guard,
    publish,
    to_signed,
)


def rollout(bundle: str, percent: float = 1.0) -> dict[str, Any]:
    return {"kind": SetRollout, "rollout": "try", "bundle": bundle, "percent": percent}


def about(kind: type, bundle: str) -> dict[str, Any]:
    return {"kind": kind, "bundle": bundle}


def test_a_bundle_goes_from_candidate_to_live_and_back() -> None:
    """Publish, rollout, promote, rollback: what is in force after each, and who did it."""
    writer = Writer()
    writer.write(publish(ONE))
    assert (writer.ledger.live and writer.ledger.live.bundle, writer.ledger.candidate) == (ONE, None)
    writer.write(publish(TWO, "candidate"))
    ledger = writer.write(rollout(TWO, 10.0), (BEN,))
    assert ledger.rollout is not None
    assert (ledger.rollout.percent, ledger.candidate and ledger.candidate.bundle) == (10.0, TWO)
    ledger = writer.write(about(Promote, TWO))
    assert (ledger.live and ledger.live.bundle, ledger.candidate, ledger.rollout) == (TWO, None, None)
    ledger = writer.write(publish(ONE, rollback=True))
    assert [one.bundle for one in ledger.lives] == [ONE, TWO, ONE]
    assert [sorted(one.signers) for one in ledger.history] == [["anna"], ["anna"], ["ben"], ["anna"], ["anna"]]


def test_a_new_candidate_or_an_abort_ends_the_rollout() -> None:
    """The rollout was for the other one."""
    writer = Writer()
    writer.write(publish(ONE))
    writer.write(publish(TWO, "candidate"))
    writer.write(rollout(TWO))
    assert writer.write(publish(THREE, "candidate")).rollout is None
    writer.write(rollout(THREE))
    ledger = writer.write(about(Abort, THREE))
    assert (ledger.candidate, ledger.rollout) == (None, None)


def test_blocks_come_and_go() -> None:
    """A block can be prolonged and lifted by its name."""
    writer = Writer()
    writer.write(block("evil"))
    writer.write(block("bad", "bad.example"))
    ledger = writer.write(block("evil", hours=9))
    assert {name: one.expires_at - AT for name, one in ledger.blocks.items()} == {
        "evil": timedelta(hours=9),
        "bad": timedelta(hours=1),
    }
    assert list(writer.write({"kind": Lift, "block": "evil"}).blocks) == ["bad"]


@pytest.mark.parametrize(
    ("told", "place", "why"),
    [
        (publish(TWO), {"sequence": 1}, "entry 1: 2 is already in force; it was replayed"),
        (publish(TWO), {"sequence": 4}, "entry 4: entry 3 is missing"),
        (publish(TWO), {"previous": "e" * 64}, "entry 3: it was written after another history"),
        (rollout(THREE), {}, "bundle 333333333333 is not the candidate"),
        (about(Promote, ONE), {}, "bundle 111111111111 is not the candidate"),
        (about(Abort, THREE), {}, "not the candidate"),
        (publish(THREE, rollback=True), {}, "was never live; publish it instead"),
        ({"kind": Lift, "block": "nothing"}, {}, "there is no block 'nothing'"),
        (block("late", hours=-1), {}, "would end before it begins"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused(told: dict[str, Any], place: dict[str, Any], why: str) -> None:
    """It changes nothing and does not block the next one."""
    writer = Writer()
    writer.write(publish(ONE))
    before = writer.write(publish(TWO, "candidate"))
    with pytest.raises(LedgerRefusedError, match=why):
        before.take(to_signed(writer.make(told, **place)), KEYS, allow_unsigned=False)
    assert writer.ledger == before
    assert writer.write(about(Promote, TWO)).sequence == 3


def test_a_block_is_not_turned_into_another_one() -> None:
    """That would lift the first in silence."""
    writer = Writer()
    writer.write(block("evil"))
    with pytest.raises(LedgerRefusedError, match=r"is another one, of host evil\.example; take a new name"):
        writer.write(block("evil", "good.example"))


def test_only_known_people_write() -> None:
    """Unsigned, or signed by somebody unknown, counts only where it is allowed; a broken signature never."""
    entry = Writer().make(publish(ONE))
    for signers, why in (((), "not signed; sign with a key"), ((EVE,), r"signed by unknown keys \(eve\)")):
        with pytest.raises(LedgerRefusedError, match=why):
            Ledger().take(to_signed(entry, signers), KEYS, allow_unsigned=False)
        assert Ledger().take(to_signed(entry, signers), KEYS, allow_unsigned=True).sequence == 1
    other = to_signed(entry.model_copy(update={"reason": "something else"}))
    forged = other._replace(envelope=other.envelope.model_copy(update={"signatures": envelop(entry).signatures}))
    with pytest.raises(LedgerRefusedError, match="a signature does not hold"):
        Ledger().take(forged, KEYS, allow_unsigned=True)


def guards(letter: str = "a") -> dict[str, Guard]:
    return {"political": guard(2, letter)}


@pytest.mark.parametrize(("old", "new"), [({}, guards()), (guards(), guards("b")), (guards(), {})])
def test_a_guarded_strategy_changes_with_two_signatures_only(old: dict[str, Guard], new: dict[str, Guard]) -> None:
    """Added, changed or freed of its guard: published, rolled out or promoted."""
    writer = Writer()
    writer.write(publish(ONE, guards=old), (ANNA, BEN))
    one, two = (ANNA,), (ANNA, BEN)
    lacking = r"strategy 'political' changes and needs 2 people's signatures, there are 1 \(anna\)"
    with pytest.raises(LedgerRefusedError, match=lacking):
        writer.ledger.take(to_signed(writer.make(publish(TWO, guards=new)), one), KEYS, allow_unsigned=False)
    with pytest.raises(LedgerRefusedError, match=lacking):
        writer.ledger.take(
            to_signed(writer.make(publish(TWO, guards=new)), (ANNA, ANNA, EVE)), KEYS, allow_unsigned=False
        )
    assert (
        writer.ledger.take(to_signed(writer.make(publish(TWO, guards=new)), two), KEYS, allow_unsigned=False).sequence
        == 2
    )
    writer.write(publish(TWO, "candidate", guards=new), one)
    for told in (rollout(TWO), about(Promote, TWO)):
        with pytest.raises(LedgerRefusedError, match=lacking):
            writer.ledger.take(to_signed(writer.make(told), one), KEYS, allow_unsigned=False)
        writer.write(told, two)


def test_one_signature_is_enough_for_the_rest_and_for_the_way_back() -> None:
    """A rollback brings back what two people had signed."""
    writer = Writer()
    writer.write(publish(ONE, guards=guards()), (ANNA, BEN))
    writer.write(publish(TWO, guards=guards()))
    writer.write(publish(THREE, guards=guards("b")), (BEN, ANNA))
    assert writer.write(publish(TWO, guards=guards(), rollback=True)).sequence == 4
    with pytest.raises(LedgerRefusedError, match="was never live"):  # not with other guards than it had
        writer.write(publish(ONE, guards={}, rollback=True))


def test_without_any_keys_nobody_is_counted() -> None:
    """Where unsigned entries are allowed and no key is known, two people cannot be told apart."""
    entry = to_signed(Writer().make(publish(ONE, guards=guards())), ())
    assert Ledger().take(entry, PublicKeys.none(), allow_unsigned=True).sequence == 1
    with pytest.raises(LedgerRefusedError, match="there are none"):
        Ledger().take(entry, KEYS, allow_unsigned=True)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\xff", "the record is no envelope"),
        (b"{}", "the record is no envelope: entry: Field required"),
        (b'{"entry": "{"}', "the entry is no JSON"),
        (b'{"entry": "[]"}', "the record holds no entry"),
        (b'{"entry": "{\\"schema_version\\": 2, \\"sequence\\": 7}"}', "entry 7 has version 2 .* upgrade Sluice"),
        (b'{"entry": "{\\"kind\\": \\"freeze\\"}"}', "and kind 'freeze', this release reads version 1; upgrade Sluice"),
        (b" " * 300_000, "has 300,000 bytes, the limit is 262,144"),
    ],
)
def test_what_is_no_entry_is_refused(value: bytes, why: str) -> None:
    """With what it is instead."""
    with pytest.raises(LedgerRefusedError, match=why):
        read_envelope(value)


def test_an_entry_lies_under_its_own_key() -> None:
    """Under another's key it would take the other's place when the topic is compacted."""
    value = envelop(Writer().make(publish(ONE))).model_dump_json().encode()
    with pytest.raises(LedgerRefusedError, match="which is not its own"):
        read_envelope(value, "ledger/0000000002/0123456789abcdef")


def test_a_state_does_not_change() -> None:
    """A chunk of ads may still be decided by it while the next one is made."""
    writer = Writer()
    writer.write(publish(ONE))
    before = writer.ledger
    copy = replace(before)
    writer.write(publish(TWO))
    assert before == copy
