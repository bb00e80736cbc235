"""The quick way through `fold_base`: characters that fold each by itself, whatever stands around them.

Most texts hold no others; then folding is a lower() and, at most, a few replacements. All that composes, reorders,
vanishes or turns a text round (marks, jamo, flags, invisible characters) is left to the steps in `folding`.
"""

import re
import unicodedata
from functools import lru_cache

from service.text.tables import CLEANING, LOOSE_MARKS, character_class

_JOINS_BACK = re.compile("[\u1160-\u11ff\uff9e-\uffdc]")
# Blocks above this hold too many characters to try each at import; the test of this module tries them.
_TRIED_BELOW = 0x3100
_HAN_AND_HANGUL = "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
_PICTURES = "\U0001f300-\U0001f3fa\U0001f400-\U0001f4b1\U0001f4b3-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff"
_TURNS_ROUND = "\u202e"
# Python's lower() knows the sigma at a word's end, case folding does not.
_SIGMA = "Σ"
# With more different ones than this, one pass with a table is cheaper.
_MOST_REPLACED = 24


def fold_case(text: str) -> str:
    """Return compatibility forms without case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded)


@lru_cache(maxsize=8_192)
def opens_piece(character: str) -> bool:
    """Tell whether a character stands for itself, rather than changing the one before it."""
    return not (unicodedata.category(character)[0] == "M" or _JOINS_BACK.match(character))


def fold_character(character: str) -> str | None:
    """Return what the steps of `fold_base` make of a character in any surroundings; None where that depends on them.

    Nor does it tell of a character that vanishes: what stands behind it would move.
    """
    cleaned = CLEANING.get(ord(character), character)
    folded = "".join(c for c in fold_case(cleaned) if c not in LOOSE_MARKS)
    if not folded or character == _TURNS_ROUND:
        return None
    # What composes with the character before it does so in one of these forms.
    edges = (character, cleaned[0], unicodedata.normalize("NFKD", cleaned)[0], folded[0])
    return folded if all(map(opens_piece, edges)) else None


def _build() -> tuple[re.Pattern[str], dict[str, str]]:
    alone = {c: folded for c in map(chr, range(_TRIED_BELOW)) if (folded := fold_character(c))}
    plain = [c for c, folded in alone.items() if folded == c.lower() and c != _SIGMA]
    others = alone.keys() - plain
    # They are replaced one after the other and then go through lower(), which must not change them again.
    replaced = {c: alone[c] for c in others if alone[c] == alone[c].lower() and others.isdisjoint(alone[c])}
    beyond = "[^" + _HAN_AND_HANGUL + _PICTURES
    return re.compile(character_class("".join(plain)).replace("[", beyond, 1)), replaced


_NOT_PLAIN, _REPLACED = _build()


def fold_alone(text: str) -> str | None:
    """Return `fold_base` of a text whose characters all fold by themselves, else None. No character of it vanishes.

    So the result is longer than the text, or their offsets are the same.
    """
    odd = set(_NOT_PLAIN.findall(text))
    if odd:
        if len(odd) > _MOST_REPLACED or not odd <= _REPLACED.keys():
            return None
        for character in odd:
            text = text.replace(character, _REPLACED[character])
    return text.lower()
