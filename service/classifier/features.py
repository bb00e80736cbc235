"""Turn normalised texts into hashed n-grams: the input of stage A.

Place in the flow: `moderate` joins an ad's text fields, `service.text` normalises them, this module counts n-grams,
and `service.classifier.session` sums their weights. Training reads the very same code, so the two cannot drift apart.

Two kinds of n-gram share one table of 2**18 buckets: characters inside words (padded with one blank, 2 to 5 of them,
the lower half) and words (1 and 2 of them, the upper half). Ideographs and kana count as one word each, since their
scripts write no blanks. Each n-gram counts once a text, so that repeating a harmless word cannot thin out a harmful
one. A whole batch is one array of code points: no Python loop runs over texts, words or characters.
"""

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURES_VERSION = 1
CHAR_SIZES = (2, 3, 4, 5)
WORD_SIZES = (1, 2)
KIND_BITS = 17  # buckets of each kind, as a power of two
BUCKET_BITS = KIND_BITS + 1
BUCKETS = 1 << BUCKET_BITS
MAX_BATCH = 1 << (32 - BUCKET_BITS)  # texts a call: row and bucket share one 32-bit key

_BLANK, _WORD, _ALONE, _OTHER = 0, 1, 2, 3
_LAST_CLASSIFIED = 0x323AF  # the last ideograph block Unicode has assigned; all beyond it is _OTHER
_ALONE_RANGES = ((0x3041, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, _LAST_CLASSIFIED))
_CHAR_STEP = np.uint32(0x01000193)
_WORD_STEP = 0x9E3779B1
_POWERS = 4096  # longer words wrap around: they only need a hash, not a good one

Codes = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Features:
    """The n-grams of a batch: `buckets[i]` occurs in text `rows[i]`; both of shape (m,), sorted by row, then bucket."""

    buckets: NDArray[np.int32]
    rows: NDArray[np.int64]


def hash_ngrams(texts: Sequence[str]) -> Features:
    """Hash the n-grams of up to MAX_BATCH texts; each distinct n-gram of a text occurs once.

    Raises:
        ValueError: more texts than MAX_BATCH.

    """
    if len(texts) > MAX_BATCH:
        raise ValueError(f"{len(texts)} texts in one call, at most {MAX_BATCH} fit: hash them in smaller batches")
    codes, rows = _read_codes(texts)
    classes = _classes()[np.minimum(codes, _LAST_CLASSIFIED + 1)]
    keys = np.concatenate([*_char_keys(codes, classes, rows), *_word_keys(codes, classes, rows)])
    keys.sort()
    first = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    keys = keys[first]
    return Features((keys & np.uint32(BUCKETS - 1)).astype(np.int32), (keys >> np.uint32(BUCKET_BITS)).astype(np.int64))


def _read_codes(texts: Sequence[str]) -> tuple[Codes, Codes]:
    """Lay all texts in one array of code points, a blank around each; say of each place which text it is of.

    The blank before a text counts as that text's; a lone surrogate is kept as any other code point.
    """
    joined = " " + " ".join(texts) + " "
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.fromiter((len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))
    rows = np.repeat(np.arange(len(texts), dtype=np.uint32), lengths)
    return codes, rows


@functools.cache
def _classes() -> NDArray[np.uint8]:
    """Give the class of each code point up to the last classified one, and _OTHER for the rest."""
    classes = np.full(_LAST_CLASSIFIED + 2, _OTHER, dtype=np.uint8)
    for code in range(_LAST_CLASSIFIED + 1):
        char = chr(code)
        if char.isspace():
            classes[code] = _BLANK
        elif unicodedata.category(char)[0] in "LNM":
            classes[code] = _WORD
    for low, high in _ALONE_RANGES:
        classes[low : high + 1] = _ALONE
    return classes


def _mix(values: Codes) -> Codes:
    """Spread 32-bit values over all bits (the finaliser of MurmurHash3, one round)."""
    values = values ^ (values >> np.uint32(16))
    values *= np.uint32(0x85EBCA6B)
    values ^= values >> np.uint32(13)
    values *= np.uint32(0xC2B2AE35)
    values ^= values >> np.uint32(16)
    return values


def _to_char_buckets(hashes: Codes) -> Codes:
    return _mix(hashes) >> np.uint32(32 - KIND_BITS)


def _to_word_buckets(hashes: Codes) -> Codes:
    return (_mix(hashes) >> np.uint32(32 - KIND_BITS)) | np.uint32(1 << KIND_BITS)


def _windows(codes: Codes, classes: NDArray[np.uint8]) -> list[tuple[Codes, NDArray[np.bool_]]]:
    """Hash every window of each size in CHAR_SIZES, and say which ones lie in one padded word."""
    filled = classes != _BLANK
    mixed = _mix(np.where(filled, codes, np.uint32(32)))
    hashes = mixed * _CHAR_STEP + np.uint32(1)
    inner = np.ones(len(codes), dtype=np.bool_)
    found = []
    for size in range(2, CHAR_SIZES[-1] + 1):
        count = max(len(codes) - size + 1, 0)
        hashes = hashes[:count] * _CHAR_STEP + mixed[size - 1 :]
        if size == CHAR_SIZES[0]:
            valid = filled[:-1] | filled[1:]
        else:
            inner = inner[:count] & filled[size - 2 : size - 2 + count]
            valid = inner
        found.append((hashes, valid))
    return found


def _char_keys(codes: Codes, classes: NDArray[np.uint8], rows: Codes) -> list[Codes]:
    shifted = rows << np.uint32(BUCKET_BITS)
    keys = []
    for hashes, valid in _windows(codes, classes):
        places = np.flatnonzero(valid)
        keys.append(_to_char_buckets(hashes[places]) | shifted[places])
    return keys


@functools.cache
def _powers() -> Codes:
    """Give the powers of _WORD_STEP, modulo 2**32."""
    powers, value = np.empty(_POWERS, dtype=np.uint32), 1
    for place in range(_POWERS):
        powers[place] = value
        value = value * _WORD_STEP & 0xFFFFFFFF
    return powers


def _find_words(codes: Codes, classes: NDArray[np.uint8]) -> tuple[Codes, NDArray[np.int64]]:
    """Find the words: a hash and the first place of each."""
    alone = classes == _ALONE
    within = alone | (classes == _WORD)
    places = np.flatnonzero(within)
    if len(places) == 0:
        return np.empty(0, np.uint32), places
    opens = alone[places] | alone[places - 1] | ~within[places - 1]  # place 0 is a blank, so `- 1` stays inside
    first = np.flatnonzero(opens)
    sizes = np.diff(first, append=len(places))
    offset = np.arange(len(places)) - np.repeat(first, sizes)
    terms = _mix(codes[places]) * _powers()[offset & (_POWERS - 1)]
    hashes = np.add.reduceat(terms, first, dtype=np.uint32)
    return hashes, places[first]


def _pair(hashes: Codes) -> Codes:
    return _mix(hashes[:-1]) * _CHAR_STEP + hashes[1:] + np.uint32(1)


def _word_keys(codes: Codes, classes: NDArray[np.uint8], rows: Codes) -> list[Codes]:
    hashes, starts = _find_words(codes, classes)
    shifted = rows[starts] << np.uint32(BUCKET_BITS)
    same = shifted[:-1] == shifted[1:]
    return [_to_word_buckets(hashes) | shifted, (_to_word_buckets(_pair(hashes)) | shifted[:-1])[same]]
