"""`group_key`: one key for near-duplicate creatives, so that a reviewer sees a campaign once.

Min-hashing (Broder 1997) over the set of words: letters only, so prices, emoji, case and punctuation do not count.
Three minima are kept, so two texts share a key with the probability J³, J being the words they share over the words of
both: one changed word in 30 keeps it with 0.82, in 60 with 0.90; two ads that share a fifth of their words collide with
0.008. A text of fewer than 8 distinct words must have the same words.
"""

import re

import xxhash

_WORD = re.compile(r"[^\W\d_]+")
_DENSE = re.compile(r"[぀-ヿ㐀-鿿가-힣฀-๿]")
_MINIMA = 3
_FEW_WORDS = 8


def _split(text: str) -> set[str]:
    words: set[str] = set()
    for word in _WORD.findall(text):
        if _DENSE.match(word):
            # No spaces between words: two characters stand for one.
            words.update(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            words.add(word)
    return words


def group_key(normalised: str, landing_domain: str = "") -> str:
    """Return the key of a text from `normalise_for_model`; without any word, the landing domain decides."""
    words = {word.encode("utf-8", "replace") for word in _split(normalised)}
    if not words:
        parts = [b"?", normalised.encode("utf-8", "replace"), landing_domain.encode("utf-8", "replace")]
    elif len(words) < _FEW_WORDS:
        parts = [b"=", *sorted(words)]
    else:
        minima = (min(xxhash.xxh3_64_intdigest(word, seed) for word in words) for seed in range(_MINIMA))
        parts = [b"~", *(minimum.to_bytes(8, "big") for minimum in minima)]
    return xxhash.xxh3_128_hexdigest(b"\0".join(parts))
