"""`normalise_for_model`: the one text that the classifier sees, in training and in service.

It undoes what a person would read through: look-alikes, leet, spread letters, stretched letters, invisible characters.
The model's manifest records `NORMALISER_VERSION`; raise it with every change of behaviour and train again.
"""

import re
import unicodedata

from ahocorasick_rs import AhoCorasick

from service.text.folding import fold_base, fold_latin
from service.text.squeezing import GATE_STRETCHED
from service.text.tables import LEET
from service.text.views import Views

NORMALISER_VERSION: int = 1

# Letters of alphabets; Han, kana, hangul and Thai are left out, since one character is a word there.
_LETTER = "a-zß-ɏͰ-ϿЀ-ԯա-ևא-תء-ي"
_UNIT = rf"[{_LETTER}013457@$]"
_GAP = r"(?:[^\w\s\x00]|_){1,3}"
_SPREAD = re.compile(
    rf"(?<![\w@$])[{_LETTER}](?:(?:{_GAP}{_UNIT})+{_GAP}|(?:\s{_GAP}\s{_UNIT})+\s{_GAP}\s|(?:\s{_UNIT}){{2,}}\s)[{_LETTER}](?![\w@$])"
)
_CHUNKED = re.compile(rf"(?<![\w@$.])[{_LETTER}]{{1,2}}(?:[._*~|•·][{_LETTER}]{{1,2}}){{2,}}(?![\w@$.])")
_NOT_UNIT = re.compile(r"[\s_]|[^\w@$]")
_LEET = re.compile(
    r"(?<=[a-z])(?:00?|33?|[14-9])(?=[a-z]{2})"
    r"|(?<=[a-z])[013457](?=[a-z][013457][a-z])|(?<=[a-z][013457][a-z])[013457](?=[a-z])"
    r"|(?<=[a-z])[$€£¢|]{1,2}(?=[a-z]{2})"
    r"|(?<=[a-z])@(?=[a-z]{2})(?![a-z0-9-]*\.[a-z])"
    r"|(?:(?<=\b[a-z])|(?<=\b[a-z]{2}))!(?=[a-z]{2})|(?<=[a-z])!(?=[a-z]{2}\b)"
)
_STRETCHED = re.compile(r"([^\d\s])\1{2,}")
_LEET_TABLE = {ord(c): letter for c, letter in LEET.items()}
_MOSTLY_LETTERS = 0.6
_HARMLESS = frozenset({GATE_STRETCHED})

# Cheap looks that pass most texts by; each may be too eager, never too lazy.
_MAYBE_LEET = re.compile(r"[013-9$€£¢|@!][a-z]")
_MAYBE_SPREAD = re.compile(rf"[\W_][{_LETTER}][\W_]{{1,5}}{_UNIT}[\W_]")
_MAYBE_CHUNKED = re.compile(rf"[._*~|•·][{_LETTER}]{{1,2}}[._*~|•·]")
_THRICE = AhoCorasick(
    [
        c * 3
        for c in map(chr, range(0x21, 0x590))
        if not c.isdecimal() and not c.isupper() and unicodedata.category(c) != "Cn"
    ]
    + [c * 3 for c in "ابتثجحخدذرزسشصضطظعغفقكلمنهوي。、！？〜ーｗ笑草哈啊"]
)


def _join(match: re.Match[str]) -> str:
    units = _NOT_UNIT.sub("", match[0])
    letters = sum(map(str.isalpha, units))
    if letters < _MOSTLY_LETTERS * len(units):
        return match[0]
    return units.translate(_LEET_TABLE) if units[0] <= "z" else units


def _unleet(match: re.Match[str]) -> str:
    return match[0].translate(_LEET_TABLE)


def undo_disguise(latin: str) -> str:
    """Return the Latin reading with spread, leet and stretched letters put right; white space as it came."""
    if _MAYBE_SPREAD.search(" " + latin + " "):
        latin = _SPREAD.sub(_join, latin)
    if _MAYBE_CHUNKED.search(latin):
        latin = _CHUNKED.sub(_join, latin)
    if _MAYBE_LEET.search(latin):
        latin = _LEET.sub(_unleet, latin)
    if _THRICE.find_matches_as_indexes(latin):
        latin = _STRETCHED.sub(r"\1\1", latin)
    return latin


def normalise_for_model(text: str) -> str:
    """Return the model's reading of a text: small letters, one space between words, disguises undone.

    Takes any string, also empty, with NUL or with half surrogate pairs; the result always encodes to UTF-8.
    Linear in the length. Deterministic for a given Unicode version of Python's `unicodedata`.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    return " ".join(undo_disguise(fold_latin(fold_base(text))).split())


def normalise_views(views: Views) -> str:
    """Return `normalise_for_model` of an ad's fields, parted by two line ends, with what its views know already.

    Two line ends: a word spread letter by letter over lines must not run on into the next field.
    """
    if not views.folds_alone:
        return normalise_for_model("\n\n".join(views.texts))
    latin = views.latin
    # On ASCII the gates of squeezing let every disguise pass but these two signs as letters between wide gaps.
    if views.gates <= _HARMLESS and latin.isascii() and "@" not in latin and "$" not in latin:
        text = latin.replace("\0", " ")
        if _THRICE.find_matches_as_indexes(text):
            text = _STRETCHED.sub(r"\1\1", text)
    else:
        text = undo_disguise(latin.replace("\0", "\n\n"))
    return " ".join(text.split())
