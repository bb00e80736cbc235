"""The tables behind every view: which code point folds to what. Built once, at import, from Unicode's own data.

Used by `folding`. Sources: `unicodedata` (names, categories, decompositions) and the confusables of Unicode TS 39
as packaged by `confusable-homoglyphs`. Only a few look-alikes that Unicode leaves out are written by hand.
"""

import json
import re
import string
import sys
import unicodedata
from collections.abc import Iterator
from importlib.resources import files

_ASCII_ALNUM = frozenset(string.ascii_letters + string.digits)
_LATIN_NAME = re.compile(
    r"LATIN (?:SMALL|CAPITAL) LETTER (?:DOTLESS |TURNED |REVERSED |OPEN |SCRIPT |INSULAR |SIDEWAYS )?"
    r"(?:SMALL CAPITAL )?([A-Z])(?: WITH .+)?"
)
_SMALL_CAPITAL_NAME = re.compile(r"LATIN LETTER SMALL CAPITAL (?:TURNED |REVERSED |INVERTED )?([A-Z])")
_SYMBOL_NAME = re.compile(
    r"(?:NEGATIVE |CROSSED |PARENTHESIZED |TORTOISE SHELL BRACKETED )*(?:SQUARED|CIRCLED|PARENTHESIZED|REGIONAL"
    r" INDICATOR SYMBOL|TORTOISE SHELL BRACKETED|OUTLINED)*(?: ITALIC)? "
    r"?(?:LATIN (?:SMALL|CAPITAL) LETTER|LETTER) ([A-Z])"
)
# Scripts in which a borrowed shape is a disguise; in others (Arabic, Thai, Han ...) words touch Latin words honestly.
_DISGUISE_SCRIPTS = (
    "LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "COPTIC", "CHEROKEE", "LISU", "CANADIAN", "DESERET", "OLD ITALIC",
    "GOTHIC", "MIAO", "OSAGE", "VAI", "BAMUM", "TIFINAGH", "RUNIC", "WARANG", "MODIFIER", "SCRIPT", "ESTIMATED",
    "LATIN", "OHM", "KELVIN", "ANGSTROM", "BLACK-LETTER", "DOUBLE-STRUCK", "LYCIAN", "CARIAN", "LYDIAN",
)  # fmt: skip
# Marks that carry no letter in the scripts they are used with: stress marks, "zalgo", Arabic and Hebrew vowel points.
_LOOSE_MARK_RANGES = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05BD), (0x05BF, 0x05BF), (0x05C1, 0x05C2), (0x05C4, 0x05C5),
    (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
)  # fmt: skip
_DROPPED_RANGES = (
    (0x01, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C),
    (0x0640, 0x0640), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E),
    (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0x1F3FB, 0x1F3FF), (0xE0000, 0xE0FFF),
)  # fmt: skip
_PLAIN = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "`": "'", "´": "'", "ʼ": "'", "ʹ": "'", "“": '"', "”": '"',
    "„": '"', "‟": '"',
    "«": '"', "»": '"', "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "⁄": "/",
    "∕": "/", "İ": "i",
    "🅰": "a", "🅱": "b", "🅾": "o", "🅿": "p", "Ⓜ": "m", "💲": "$", "⭕": "o", "❗": "!", "❕": "!", "❓": "?", "➕": "+",
    # Unicode's own folding would read the lunate sigma, a perfect c, as a round one.
    "ϲ": "c", "Ϲ": "c", "ⓘ": "i", "ℹ": "i", "\u2028": " ", "\u2029": " ", "\u0085": " ", "\u2800": " ",
}  # fmt: skip

# What Unicode does not list but people read: Cyrillic and Greek capitals that mirror Latin ones, and the like.
_READ_AS_LATIN = {
    "и": "n", "й": "n", "я": "r", "ш": "w", "щ": "w", "э": "e", "п": "n", "г": "r", "ь": "b", "ъ": "b", "з": "e",
    "д": "d", "л": "l", "б": "b", "ц": "u", "ж": "x", "ч": "y", "λ": "a", "σ": "o", "π": "n", "ω": "w", "η": "n",
    "μ": "u",
    "ε": "e", "θ": "o", "ψ": "w", "β": "b", "τ": "t", "κ": "k", "χ": "x", "ζ": "z", "ξ": "e", "δ": "d", "γ": "y",
    "φ": "o",
}  # fmt: skip
_LATIN_AS_CYRILLIC = dict(zip("aceopxykmthbiju3406", "асеорхукмтнвіјизаоб", strict=True)) | {
    "n": "п",
    "r": "г",
    "s": "ѕ",
}
_LATIN_AS_GREEK = dict(zip("aeiopuvxyktnhzbmw", "αειορυνχγκτνηζβμω", strict=True))
# Stand-ins for a letter inside a word, in both the model's text and the squeezed view.
LEET = {
    "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s",
    "!": "i",
    "|": "l", "€": "e", "£": "l", "¢": "c", "+": "t", "¡": "i", "(": "c", "<": "c",
}  # fmt: skip


def _span(ranges: tuple[tuple[int, int], ...]) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)


def character_class(characters: str) -> str:
    """Return a regular expression's class that holds exactly these characters."""
    return "[" + "".join(re.escape(c) for c in characters) + "]"


def _read_symbol(name: str) -> str | None:
    hit = _SYMBOL_NAME.fullmatch(name) or _SMALL_CAPITAL_NAME.fullmatch(name)
    return hit[1].lower() if hit else None


def _build_cleaning() -> dict[int, str]:
    table = dict.fromkeys(_span(_DROPPED_RANGES), "")
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # half a surrogate pair: no library behind us takes it
    for code in range(0x80, sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd" and not unicodedata.normalize("NFKC", character).isascii():
            table[code] = str(unicodedata.digit(character))
        elif category in {"So", "Ll"} and (letter := _read_symbol(unicodedata.name(character, ""))):
            table[code] = letter
    return table | {ord(c): plain for c, plain in _PLAIN.items()}


def _build_accents() -> dict[int, str]:
    table = {ord("ı"): "i", ord("æ"): "ae", ord("œ"): "oe", ord("þ"): "th", ord("ð"): "d", ord("ŋ"): "n", ord("ə"): "e"}
    for code in [*range(0xC0, 0x250), *range(0x250, 0x2B0), *range(0x1D00, 0x1DC0), *range(0x1E00, 0x1F00)]:
        character = chr(code)
        base = unicodedata.normalize("NFD", character)[0]
        name = _LATIN_NAME.fullmatch(unicodedata.name(character, ""))
        letter = base if base.isascii() and base.isalpha() else name[1] if name else ""
        if letter and character == character.casefold():
            table.setdefault(code, letter.lower())
    return table


def _build_lookalikes(letters: str) -> dict[str, str]:
    data = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_text(encoding="utf-8"))
    table: dict[str, str] = {}
    # Small letters first: a capital's twin (Cyrillic "В" for "B") must not displace a small letter's.
    for plain in letters:
        for entry in data.get(plain, ()):
            folded = entry["c"].casefold()
            name = unicodedata.name(folded, "") if len(folded) == 1 else ""
            if name.startswith(_DISGUISE_SCRIPTS) and folded not in _ASCII_ALNUM:
                table.setdefault(folded, plain.lower())
    return table


CLEANING = _build_cleaning()
"""Code point → text, before NFKC: '' for what is invisible, a letter for a picture of it."""
ACCENTS = _build_accents()
"""Latin letter with a mark or of another style → its plain letter."""
SMALL_LOOKALIKES = _build_lookalikes(string.ascii_lowercase)
"""Small letter of another script → the small Latin letter that it cannot be told from."""
LOOKALIKES = _build_lookalikes(string.ascii_lowercase + string.ascii_uppercase)
"""The same, and letters of which the capitals cannot be told apart."""
READINGS = _READ_AS_LATIN | LOOKALIKES
"""As `LOOKALIKES`, with those that only a reader takes for the letter; for words that mix scripts."""
CYRILLIC_TWINS = _LATIN_AS_CYRILLIC
"""Latin letter or digit → the Cyrillic letter that it can stand for."""
GREEK_TWINS = _LATIN_AS_GREEK
"""Latin letter → the Greek letter that it can stand for."""
MARKS = "".join(c for c in map(chr, range(0x10000)) if unicodedata.category(c)[0] == "M")
"""Combining marks: parts of a word in Thai, Hindi and many others."""
LOOSE_MARKS = "".join(map(chr, _span(_LOOSE_MARK_RANGES)))
"""Combining marks that are dropped where they compose with nothing."""
