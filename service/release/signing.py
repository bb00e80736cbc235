"""Ed25519 signatures of ledger entries: who signs holds a private key file, workers hold a folder of public keys.

A key's name is its file's stem. One key under two names is one person, so it counts once.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.contracts.ledger import SIGNING_DOMAIN, Envelope, Signature

PUBLIC_SUFFIX = ".pem"
PRIVATE_SUFFIX = ".key"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_LONGEST_FILE_BYTES = 65_536


class KeyFileError(ValueError):
    """A key cannot be used; the text names the file, what is wrong with it and the remedy."""


@dataclass(frozen=True)
class PublicKeys:
    """Whose signatures count: name → key."""

    keys: Mapping[str, Ed25519PublicKey]

    @classmethod
    def load(cls, directory: Path) -> "PublicKeys":
        """Return the keys `NAME.pem` of a folder. Raises KeyFileError if it or one of them cannot be read."""
        if not directory.is_dir():
            raise KeyFileError(f"{directory}: is no folder; set SLUICE_STRATEGY_KEYS_DIR to the public keys' folder")
        return cls({path.stem: _read_public(path) for path in sorted(directory.glob(f"*{PUBLIC_SUFFIX}"))})

    @classmethod
    def none(cls) -> "PublicKeys":
        """Return no keys: no signature can be checked."""
        return cls({})


@dataclass(frozen=True)
class SigningKey:
    """Somebody's private key, and the name under which workers know its public half."""

    name: str
    key: Ed25519PrivateKey

    @classmethod
    def load(cls, file: Path) -> "SigningKey":
        """Return the key in `NAME.key`, a PEM without a pass phrase. Raises KeyFileError."""
        content = _read_file(file)
        if file.stat().st_mode & 0o007:
            raise KeyFileError(f"{file}: everybody on this machine can use it; run `chmod 600 {file}`")
        try:
            key = serialization.load_pem_private_key(content, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyFileError(f"{file}: no private key in PEM without a pass phrase: {_first_line(error)}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"{file}: is not an Ed25519 key; make one with `sluice strategy keygen NAME --to DIR`")
        return cls(require_name(file.stem, str(file)), key)

    @property
    def fingerprint(self) -> bytes:
        """The public half, raw: two names of one key have the same."""
        return fingerprint(self.key.public_key())


def sign(entry: str, key: SigningKey) -> Signature:
    """Return the signature of an entry's text."""
    made = key.key.sign(SIGNING_DOMAIN + entry.encode())
    return Signature(key=key.name, signature=base64.b64encode(made).decode())


class Verified(NamedTuple):
    """Whose signatures of an envelope hold, and whether one that names a known key does not."""

    names: frozenset[str]
    broken: bool


def judge_signatures(envelope: Envelope, keys: PublicKeys) -> Verified:
    """Return the names whose signatures hold, one a key: a second name of the same key is left out.

    A broken one says that somebody changed the entry or forged it. One check takes some 200 µs.
    """
    signers: dict[bytes, str] = {}
    broken = False
    signed = SIGNING_DOMAIN + envelope.entry.encode()
    for one in sorted(envelope.signatures, key=lambda signature: signature.key):
        if (known := keys.keys.get(one.key)) is None:
            continue
        if _holds(known, one.signature, signed):
            signers.setdefault(fingerprint(known), one.key)
        else:
            broken = True
    return Verified(frozenset(signers.values()), broken)


def verify(envelope: Envelope, keys: PublicKeys) -> frozenset[str]:
    """Return the names whose signatures hold, one a key."""
    return judge_signatures(envelope, keys).names


def make_key() -> tuple[bytes, bytes]:
    """Return a new key pair as (private, public) PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


def require_name(name: str, place: str) -> str:
    """Return the name if a key may be called so. Raises KeyFileError."""
    if _NAME.fullmatch(name) is None:
        raise KeyFileError(f"{place}: '{name[:64]}' is no name of a key; use letters, digits and . _ @ + -")
    return name


def fingerprint(key: Ed25519PublicKey) -> bytes:
    """Return the key's raw 32 bytes."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _holds(key: Ed25519PublicKey, text: str, signed: bytes) -> bool:
    try:
        made = base64.b64decode(text, validate=True)
        if base64.b64encode(made).decode() != text:  # a second spelling of the same signature
            return False
        key.verify(made, signed)
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def _read_public(file: Path) -> Ed25519PublicKey:
    require_name(file.stem, str(file))
    try:
        key = serialization.load_pem_public_key(_read_file(file))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{file}: no public key in PEM: {_first_line(error)}; replace the file") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{file}: is not an Ed25519 key; make one with `sluice strategy keygen NAME --to DIR`")
    return key


def _read_file(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_LONGEST_FILE_BYTES)
    except OSError as error:
        raise KeyFileError(f"{file}: {error.strerror}; name a readable key file") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
