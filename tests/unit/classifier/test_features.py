"""Hashed n-grams against a slow, plain reading of what they are."""

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.classifier.features import BUCKETS, CHAR_SIZES, KIND_BITS, MAX_BATCH, WORD_SIZES, hash_ngrams

MASK = 0xFFFFFFFF
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)  # half surrogates, too
NEAR_TEXT = st.text(alphabet=" \n\t　aab1!$é中かกд😀\ud800", max_size=40)


def mix(value: int) -> int:
    """MurmurHash3's finaliser."""
    value ^= value >> 16
    value = value * 0x85EBCA6B & MASK
    value ^= value >> 13
    value = value * 0xC2B2AE35 & MASK
    return value ^ value >> 16


def char_bucket(gram: str) -> int:
    """Hash one n-gram of characters."""
    value = 0
    for place, char in enumerate(gram):
        term = mix(ord(char))
        value = ((term * 0x01000193 + 1) if place == 0 else (value * 0x01000193 + term)) & MASK
    return mix(value) >> (32 - KIND_BITS)


def word_hash(word: str) -> int:
    """Hash one word."""
    return sum(mix(ord(char)) * pow(0x9E3779B1, place, 1 << 32) for place, char in enumerate(word)) & MASK


def is_ideograph(char: str) -> bool:
    """Say whether a character is a word by itself."""
    code = ord(char)
    kana, han = 0x3041 <= code <= 0x30FF, 0x3400 <= code <= 0x4DBF or 0x4E00 <= code <= 0x9FFF
    return kana or han or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x323AF


def plain_words(text: str) -> list[str]:
    """Find the words, character by character."""
    words: list[str] = []
    glue = False
    for char in text:
        if is_ideograph(char):
            words.append(char)
            glue = False
        elif char <= "\U000323af" and unicodedata.category(char)[0] in "LNM":
            words[-1:] = [words[-1] + char] if glue else [*words[-1:], char]
            glue = True
        else:
            glue = False
    return words


def plain_ngrams(text: str) -> set[int]:
    """Find the buckets of a text's n-grams."""
    found = set()
    for chunk in "".join(" " if char.isspace() else char for char in text).split():
        padded = f" {chunk} "
        for size in CHAR_SIZES:
            found |= {char_bucket(padded[first : first + size]) for first in range(len(padded) - size + 1)}
    hashes = [word_hash(word) for word in plain_words(text)]
    pairs = [(mix(first) * 0x01000193 + second + 1) & MASK for first, second in pairwise(hashes)]
    return found | {(mix(value) >> (32 - KIND_BITS)) + (1 << KIND_BITS) for value in [*hashes, *pairs]}


@settings(deadline=None)
@given(st.lists(ANY_TEXT | NEAR_TEXT, max_size=5))
def test_a_batch_has_the_ngrams_of_the_plain_reading(texts: list[str]) -> None:
    """The whole batch at once gives what one text at a time, character by character, gives."""
    found = hash_ngrams(texts)
    expected = [(row, bucket) for row, text in enumerate(texts) for bucket in sorted(plain_ngrams(text))]
    assert list(zip(found.rows.tolist(), found.buckets.tolist(), strict=True)) == expected


def test_repeating_a_text_adds_only_the_seam() -> None:
    """A word said often counts once, so it cannot thin out the others."""
    once, often = hash_ngrams(["buy now"]), hash_ngrams(["buy now " * 50])
    assert len(often.buckets) == len(once.buckets) + 1  # the pair "now buy"


def test_buckets_fit_the_table() -> None:
    """Every bucket is a row of the model's table; both kinds of n-gram keep to their half."""
    assert (CHAR_SIZES, WORD_SIZES) == ((2, 3, 4, 5), (1, 2))
    buckets = hash_ngrams(["the quick brown fox jumps over the lazy dog"]).buckets
    assert buckets.dtype == np.int32
    assert 0 <= buckets.min() < BUCKETS // 2 <= buckets.max() < BUCKETS


def test_a_batch_that_cannot_be_keyed_is_refused() -> None:
    """Too many texts would mix up rows: the error says how many fit."""
    with pytest.raises(ValueError, match=f"at most {MAX_BATCH} fit"):
        hash_ngrams([""] * (MAX_BATCH + 1))


def test_the_largest_batch_keeps_its_rows() -> None:
    """Row numbers up to the limit survive the shared key."""
    found = hash_ngrams([""] * (MAX_BATCH - 1) + ["a"])
    assert set(found.rows.tolist()) == {MAX_BATCH - 1}


@pytest.mark.parametrize("text", ["", " ", "\n\t　"])
def test_blank_texts_have_no_ngrams(text: str) -> None:
    """Nothing to read gives nothing."""
    assert len(hash_ngrams([text, text]).buckets) == 0


def test_known_buckets_stay() -> None:
    """A change of the hash would make every shipped table meaningless: it must show here."""
    assert hash_ngrams(["a 中"]).buckets.tolist() == sorted(plain_ngrams("a 中"))
    assert hash_ngrams(["a"]).buckets.tolist() == [28018, 72155, 91716, 209493]
