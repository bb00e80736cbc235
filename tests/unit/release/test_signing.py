import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contracts.ledger import Envelope, Signature
from service.release.envelope import LedgerRefusedError, check_signatures, read_envelope
from service.release.signing import (
    KeyFileError,
    PublicKeys,
    SigningKey,
    judge_signatures,
    make_key,
    require_name,
    sign,
    verify,
)
from tests.unit.release.signed import ANNA, BEN, EVE, KEYS, ONE, Writer, envelop, publish

ENTRY = Writer().make(publish(ONE))
VALUE = envelop(ENTRY, (ANNA, BEN)).model_dump_json().encode()


def write_keys(directory: Path, name: str) -> tuple[Path, Path]:
    private, public = make_key()
    key, pem = directory / f"{name}.key", directory / f"{name}.pem"
    key.write_bytes(private)
    key.chmod(0o600)
    pem.write_bytes(public)
    return key, pem


def test_a_key_pair_on_disk_signs_and_verifies(tmp_path: Path) -> None:
    """The private file's name is the signer's; the public folder knows it."""
    key, _ = write_keys(tmp_path, "anna")
    made = sign("text", SigningKey.load(key))
    assert made.key == "anna"
    assert verify(Envelope(entry="text", signatures=(made,)), PublicKeys.load(tmp_path)) == {"anna"}
    assert verify(Envelope(entry="texT", signatures=(made,)), PublicKeys.load(tmp_path)) == set()


def test_one_key_under_two_names_is_one_person(tmp_path: Path) -> None:
    """So nobody approves his own change by copying his key."""
    key, pem = write_keys(tmp_path, "anna")
    (tmp_path / "zoe.pem").write_bytes(pem.read_bytes())
    second = SigningKey("zoe", SigningKey.load(key).key)
    envelope = Envelope(entry="text", signatures=(sign("text", second), sign("text", SigningKey.load(key))))
    assert verify(envelope, PublicKeys.load(tmp_path)) == {"anna"}


def test_a_signature_counts_once_and_only_by_a_known_key() -> None:
    """Eve's is unknown; Anna's twice is Anna."""
    assert verify(envelop(ENTRY, (ANNA, ANNA, EVE)), KEYS) == {"anna"}
    assert not judge_signatures(envelop(ENTRY, (EVE,)), KEYS).broken


def test_a_signature_has_one_spelling() -> None:
    """Base64 leaves bits unused; who flips them has changed the record."""
    made = sign("text", ANNA)
    last = made.signature[-3]
    other = made.signature[:-3] + chr(ord(last) + 1) + "=="
    assert base64.b64decode(other) == base64.b64decode(made.signature)
    envelope = Envelope(entry="text", signatures=(Signature(key="anna", signature=other),))
    assert verify(envelope, KEYS) == set()
    assert judge_signatures(envelope, KEYS).broken


@given(st.integers(0, len(VALUE) * 8 - 1))
def test_any_flipped_bit_of_an_envelope_is_refused_or_costs_a_signature(bit: int) -> None:
    """What was signed by two is never taken as signed by two in any other form."""
    changed = bytearray(VALUE)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        signers = check_signatures(read_envelope(bytes(changed)), KEYS, allow_unsigned=False)
    except LedgerRefusedError:
        return
    assert len(signers) < 2


def test_key_files_that_cannot_be_used_are_told_with_the_remedy(tmp_path: Path) -> None:
    """Each by its file's name."""
    key, pem = write_keys(tmp_path, "anna")
    key.chmod(0o644)
    with pytest.raises(KeyFileError, match=f"run `chmod 600 {key}`"):
        SigningKey.load(key)
    key.chmod(0o600)
    with pytest.raises(KeyFileError, match="no private key in PEM"):
        SigningKey.load(_private_copy(tmp_path, pem))
    with pytest.raises(KeyFileError, match="No such file"):
        SigningKey.load(tmp_path / "nobody.key")
    with pytest.raises(KeyFileError, match="is no folder; set SLUICE_STRATEGY_KEYS_DIR"):
        PublicKeys.load(tmp_path / "nowhere")
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(KeyFileError, match=r"anna\.pem: no public key in PEM"):
        PublicKeys.load(tmp_path)
    with pytest.raises(KeyFileError, match="'two words' is no name of a key"):
        require_name("two words", "keygen")


def _private_copy(directory: Path, source: Path) -> Path:
    copy = directory / "copy.key"
    copy.write_bytes(source.read_bytes())
    copy.chmod(0o600)
    return copy
