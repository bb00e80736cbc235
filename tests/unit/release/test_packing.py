import struct
from collections.abc import Sequence

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.release.packing import (
    _HEADER,
    CHUNK_BYTES,
    PackedBundle,
    PackingError,
    _seal,
    pack_bundle,
    read_count,
    unpack_bundle,
)
from service.strategy.files import MAX_BUNDLE_BYTES, MAX_FILES, hash_files

FILES = {"bundle.yaml": b"schema_version: 1\n", "lists/terms/a.txt": "казино\n".encode() * 40, "empty.yaml": b""}
PACKED = pack_bundle(FILES)

_names = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="/\\"), min_size=1).filter(
    lambda name: name not in {".", ".."} and name.isprintable()
)
_folders = st.dictionaries(st.lists(_names, min_size=1, max_size=3).map("/".join), st.binary(), min_size=1, max_size=5)


@given(_folders)
def test_what_was_packed_comes_out(files: dict[str, bytes]) -> None:
    """Any names and bytes survive, and the content's hash is the canonical one."""
    packed = pack_bundle(files)
    assert packed.sha256 == hash_files(files)
    assert unpack_bundle(packed.sha256, packed.chunks) == files


def pack_noise(size: int) -> PackedBundle:
    noise = b"".join(struct.pack(">Q", (number * 0x9E3779B97F4A7C15) % 2**64) for number in range(size // 8))
    return pack_bundle({"bundle.yaml": b"x", "lists/terms/noise.txt": noise})


def test_a_large_bundle_is_several_records_none_too_long() -> None:
    """Content that does not compress is cut into numbered records, whose order counts."""
    packed = pack_noise(1_400_000)
    assert len(packed.chunks) == 3
    assert max(map(len, packed.chunks)) == CHUNK_BYTES
    assert packed.packed_bytes == sum(map(len, packed.chunks))
    assert len(unpack_bundle(packed.sha256, packed.chunks)["lists/terms/noise.txt"]) == 1_400_000


@given(st.integers(0, len(PACKED.chunks[0]) * 8 - 1))
def test_any_flipped_bit_is_refused(bit: int) -> None:
    """Also one that the compression's format itself would pass over."""
    chunk = bytearray(PACKED.chunks[0])
    chunk[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PackingError):
        unpack_bundle(PACKED.sha256, [bytes(chunk)])


@given(st.integers(0, len(PACKED.chunks[0]) - 1))
def test_a_record_that_was_cut_is_refused(length: int) -> None:
    """At whichever byte."""
    with pytest.raises(PackingError):
        unpack_bundle(PACKED.sha256, [PACKED.chunks[0][:length]])


def _reseal(**changes: object) -> list[bytes]:
    told = {"number": 0, "count": 1, "plain_bytes": 0, "data": b"", **changes}
    return [_seal(**told)]  # type: ignore[arg-type]


def _future() -> list[bytes]:
    chunk = bytearray(PACKED.chunks[0])
    chunk[3] = 2
    return [bytes(chunk)]


_THREE = pack_noise(1_400_000).chunks
_BOMB = bytes(cramjam.zstd.compress(bytes(8_000_000), 9))
_PATH = b"../../etc/passwd\x001\x00x"


@pytest.mark.parametrize(
    ("chunks", "told"),
    [
        ([], "no records"),
        ([b"hello"], "record 0 is no part of a bundle"),
        (_THREE[:2], "2 of 3 records are there"),
        ([_THREE[1], _THREE[0], _THREE[2]], "record 0 says that it is number 1"),
        ([_THREE[0], pack_noise(900_000).chunks[1], _THREE[2]], "different packings"),
        (_future(), "format 2, this release reads 1; upgrade"),
        ([PACKED.chunks[0] + bytes(CHUNK_BYTES)], "the limit is 524,288"),
        (_reseal(data=_BOMB, plain_bytes=1_000), "do not inflate to the 1,000 bytes"),
        (_reseal(data=_BOMB, plain_bytes=2**40), "would inflate to 1,099,511,627,776 bytes"),
        (_reseal(data=_BOMB, plain_bytes=9_000_000), "inflate to 8,000,000 bytes and declare 9,000,000"),
        (_reseal(data=b"no zstd", plain_bytes=10), "do not inflate"),
        (_reseal(data=cramjam.zstd.compress(b"\0\0\0", 9), plain_bytes=3), "not the start of a file"),
        (_reseal(data=cramjam.zstd.compress(b"a\x009\x00x", 9), plain_bytes=5), "the content's files exceed it"),
        (_reseal(data=cramjam.zstd.compress(_PATH, 9), plain_bytes=len(_PATH)), "no path inside a bundle"),
    ],
)
def test_records_that_are_no_bundle_are_refused(chunks: Sequence[bytes], told: str) -> None:
    """Each with its own reason."""
    with pytest.raises(PackingError, match=told):
        unpack_bundle(PACKED.sha256, list(map(bytes, chunks)))


def test_the_first_record_says_how_many_there_are() -> None:
    """A second one, or a lie, does not."""
    assert read_count(_THREE[0]) == 3
    for chunk in (_THREE[1], b"", _reseal(count=2**31)[0], _reseal(count=0)[0]):
        with pytest.raises(PackingError):
            read_count(bytes(chunk))


def test_another_bundle_under_the_hash_is_refused() -> None:
    """Whole and well packed, but not what was asked for."""
    with pytest.raises(PackingError, match="the records hold another bundle"):
        unpack_bundle("0" * 64, PACKED.chunks)


def test_too_much_is_not_packed() -> None:
    """The publisher is told the limit, not the worker."""
    with pytest.raises(PackingError, match="holds no files"):
        pack_bundle({})
    with pytest.raises(PackingError, match=f"keep a bundle under {MAX_FILES:,}"):
        pack_bundle({f"rules/{number}.yaml": b"" for number in range(MAX_FILES + 1)})
    with pytest.raises(PackingError, match=f"keep it under {MAX_BUNDLE_BYTES:,}"):
        pack_bundle({"a.yaml": bytes(MAX_BUNDLE_BYTES + 1)})


def test_the_header_has_the_length_that_is_documented() -> None:
    """Other readers of the topic depend on it."""
    assert _HEADER.size == 52
