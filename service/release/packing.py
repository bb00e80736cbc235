"""Packs a bundle's files into numbered, compressed records for `ads.strategies`, and back, with every limit checked.

A record that was changed, cut, left out or put in from elsewhere is refused, and so is one that inflates to more than
it may. What comes out has the content hash that was asked for, or nothing comes out.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple

import cramjam

from service.strategy.files import MAX_BUNDLE_BYTES, MAX_FILES, BundleFiles, hash_files

CHUNK_BYTES = 512 * 1024
"""Longest record: well below Kafka's default limit of 1 MiB a batch."""
MAX_PACKED_BYTES = MAX_BUNDLE_BYTES
MAX_NAMES_BYTES = 1_000_000

_MAGIC = b"SLB"
_FORMAT = 1
_HEADER = struct.Struct(">3sBIIQ32s")  # magic, format, number, count, bytes once inflated, hash of header and data
_SEALED = struct.Struct(">3sBIIQ")
_LEVEL = 9


class PackingError(ValueError):
    """A bundle cannot be packed, or its records are not that bundle; the text says why and what to do."""


class PackedBundle(NamedTuple):
    """A bundle as records: its content hash, the records in their order, and their bytes together."""

    sha256: str
    chunks: tuple[bytes, ...]
    packed_bytes: int


def pack_bundle(files: BundleFiles) -> PackedBundle:
    """Return the files as records of at most `CHUNK_BYTES`. Raises PackingError if they exceed a bundle's limits."""
    plain = _write_plain(files)
    packed = bytes(cramjam.zstd.compress(plain, _LEVEL))
    room = CHUNK_BYTES - _HEADER.size
    parts = [packed[start : start + room] for start in range(0, len(packed), room)]
    chunks = tuple(_seal(number, len(parts), len(plain), part) for number, part in enumerate(parts))
    return PackedBundle(hash_files(files), chunks, sum(map(len, chunks)))


def unpack_bundle(sha256: str, chunks: Sequence[bytes]) -> dict[str, bytes]:
    """Return the files of the bundle with this content hash. Raises PackingError if the records are not exactly it."""
    plain = _inflate(*_join(chunks))
    files = _read_plain(plain)
    if (found := hash_files(files)) != sha256:
        raise PackingError(f"the records hold another bundle, {found[:12]}; publish bundle {sha256[:12]} again")
    return files


def read_count(first: bytes) -> int:
    """Return how many records a bundle has, as its first one says. Raises PackingError if that is none."""
    number, count, *_ = _open(0, first)
    if number != 0 or not 0 < count <= MAX_PACKED_BYTES // _HEADER.size:
        raise PackingError("record 0 is not a bundle's first; publish the bundle again")
    return count


def _write_plain(files: BundleFiles) -> bytes:
    if not files:
        raise PackingError("the bundle holds no files; name a folder with a bundle.yaml")
    if len(files) > MAX_FILES:
        raise PackingError(f"{len(files):,} files; keep a bundle under {MAX_FILES:,}")
    if (total := sum(map(len, files.values()))) > MAX_BUNDLE_BYTES:
        raise PackingError(f"the bundle has {total:,} bytes; keep it under {MAX_BUNDLE_BYTES:,}")
    return b"".join(f"{name}\0{len(content)}\0".encode() + content for name, content in sorted(files.items()))


def _seal(number: int, count: int, plain_bytes: int, data: bytes) -> bytes:
    start = _SEALED.pack(_MAGIC, _FORMAT, number, count, plain_bytes)
    return start + hashlib.sha256(start + data).digest() + data


def _join(chunks: Sequence[bytes]) -> tuple[bytes, int]:
    """Return the compressed bytes and how many they have to become."""
    if sum(map(len, chunks)) > MAX_PACKED_BYTES:
        raise PackingError(f"the records together exceed {MAX_PACKED_BYTES:,} bytes; publish a smaller bundle")
    parts: list[bytes] = []
    told: set[tuple[int, int]] = set()
    for place, chunk in enumerate(chunks):
        number, count, plain_bytes, data = _open(place, chunk)
        if number != place:
            raise PackingError(f"record {place} says that it is number {number}; publish the bundle again")
        told.add((count, plain_bytes))
        parts.append(data)
    if len(told) != 1:
        raise PackingError("the records are of different packings; publish the bundle again" if told else "no records")
    ((count, plain_bytes),) = told
    if count != len(chunks):
        raise PackingError(f"{len(chunks)} of {count} records are there; publish the bundle again")
    return b"".join(parts), plain_bytes


def _open(place: int, chunk: bytes) -> tuple[int, int, int, bytes]:
    if len(chunk) < _HEADER.size or chunk[: len(_MAGIC)] != _MAGIC:
        raise PackingError(f"record {place} is no part of a bundle; publish the bundle again")
    if len(chunk) > CHUNK_BYTES:
        raise PackingError(f"record {place} has {len(chunk):,} bytes, the limit is {CHUNK_BYTES:,}; publish it again")
    _, version, number, count, plain_bytes, seal = _HEADER.unpack_from(chunk)
    if version != _FORMAT:
        raise PackingError(f"record {place} has format {version}, this release reads {_FORMAT}; upgrade Sluice")
    data = chunk[_HEADER.size :]
    if hashlib.sha256(chunk[: _SEALED.size] + data).digest() != seal:
        raise PackingError(f"record {place} was changed or cut on its way; publish the bundle again")
    if plain_bytes > MAX_BUNDLE_BYTES + MAX_NAMES_BYTES:
        raise PackingError(f"it would inflate to {plain_bytes:,} bytes, the limit is {MAX_BUNDLE_BYTES:,}; shorten it")
    return number, count, plain_bytes, data


def _inflate(packed: bytes, plain_bytes: int) -> bytes:
    # Into a buffer of the declared size: whatever the frame says of itself, more is never written.
    plain = bytearray(plain_bytes)
    try:
        written = cramjam.zstd.decompress_into(packed, plain)
    except cramjam.DecompressionError as error:
        text = f"the records do not inflate to the {plain_bytes:,} bytes that they declare ({error})"
        raise PackingError(f"{text}; publish the bundle again") from None
    if written != plain_bytes:
        raise PackingError(f"the records inflate to {written:,} bytes and declare {plain_bytes:,}; publish it again")
    return bytes(plain)


def _read_plain(plain: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    at = 0
    while at < len(plain):
        try:
            name_end = plain.index(0, at)
            size_end = plain.index(0, name_end + 1)
            name, size = plain[at:name_end].decode(), int(plain[name_end + 1 : size_end])
        except ValueError:
            raise PackingError(f"byte {at} of the content is not the start of a file; publish it again") from None
        at = size_end + 1 + size
        if size < 0 or at > len(plain) or len(files) >= MAX_FILES:
            raise PackingError("the content's files exceed it or are too many; publish the bundle again")
        files[_require_inside(name)] = plain[size_end + 1 : at]
    return files


def _require_inside(name: str) -> str:
    # `fetch` writes these names to a disk.
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or any(part in {"", ".", ".."} for part in parts):
        raise PackingError(f"{name[:100]!r} is no path inside a bundle; rename the file and publish again")
    return name
