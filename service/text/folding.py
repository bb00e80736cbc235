"""Folds a text to its base and to its plain Latin reading; what the views and the model's text are made of.

`fold_base` works in any language; `fold_latin` only touches words that hold Latin letters, or, in a mostly Latin text,
words that consist of look-alikes throughout. So plain Russian, Greek, Arabic, Chinese or Thai stays as it is.
Every step is linear in the text's length. `BASE_STEPS` and `LATIN_STEPS` are the same work with edits, for spans.
"""

import re
import string
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from service.text.alone import fold_alone, fold_case, opens_piece
from service.text.tables import (
    ACCENTS,
    CLEANING,
    CYRILLIC_TWINS,
    GREEK_TWINS,
    LOOKALIKES,
    LOOSE_MARKS,
    READINGS,
    SMALL_LOOKALIKES,
    character_class,
)
from service.text.tracing import Edit, Step, apply_edits, substitute, translate

_WORD = re.compile(r"[^\W_]+")
# A plain capital, or a run beyond ASCII with the character before it, which a mark may change.
_FOLDABLE = re.compile(r"[A-Z](?![^\x00-\x7f])|[\x00-\x7f]?[^\x00-\x7f]+")
_LATIN_RUN = re.compile(r"[a-z]+")
_GLUED = re.compile(r"[a-z]{2,}([^\W\da-z_]{2,})|([^\W\da-z_]{2,})[a-z]{2,}")
_ASCII_LETTERS = string.ascii_letters.encode()
_CYRILLIC_ONLY = re.compile("[" + "".join(chr(c) for c in range(0x430, 0x460) if chr(c) not in LOOKALIKES) + "]")
_GREEK_ONLY = re.compile("[" + "".join(chr(c) for c in range(0x3AC, 0x3CF) if chr(c) not in LOOKALIKES) + "]")
# `re` looks a character up in constant time only below U+10000; above, one range stands for all.
_MAYBE_OTHER = re.compile(
    character_class("".join(c for c in READINGS if c < "\U00010000")).replace("[", "[\U00010000-\U0010ffff", 1)
)
_REGIONAL = "[\U0001f1e6-\U0001f1ff]"
_FLAG = re.compile(rf"(?<!{_REGIONAL}){_REGIONAL}{{2}}(?!{_REGIONAL})")
_REVERSED = re.compile("\u202e([^\u202c\n\0]{2,})(?:\u202c|$)", re.MULTILINE)
_MOSTLY = 0.5
_LONG_WORD = 4

_READ = {ord(c): plain for c, plain in READINGS.items()}
_READ_CYRILLIC = {ord(c): twin for c, twin in CYRILLIC_TWINS.items()}
_READ_GREEK = {ord(c): twin for c, twin in GREEK_TWINS.items()}


@lru_cache(maxsize=8_192)
def _fold_piece(piece: str) -> str:
    return fold_case(piece)


def _trace_case(text: str) -> list[Edit]:
    edits: list[Edit] = []
    for run in _FOLDABLE.finditer(text):
        start, end = run.span()
        edits += (
            [Edit(start, end, run[0].lower())] if end - start == 1 and run[0] < "\x7f" else _trace_run(text, start, end)
        )
    # Two pieces may compose with each other in a script that the rule above does not know: be coarse, never wrong.
    whole = fold_case(text)
    return edits if apply_edits(text, edits) == whole else [Edit(0, len(text), whole)]


def _trace_run(text: str, start: int, end: int) -> Iterator[Edit]:
    starts = [start, *(i for i in range(start + 1, end) if opens_piece(text[i])), end]
    for first, last in pairwise(starts):
        piece = text[first:last]
        if (folded := _fold_piece(piece)) != piece:
            yield Edit(first, last, folded)


def _is_mostly_latin(text: str) -> bool:
    ascii_only = text.encode("ascii", "ignore")
    latin = len(ascii_only) - len(ascii_only.translate(None, _ASCII_LETTERS))
    return latin > _MOSTLY * (latin + len(text) - len(ascii_only))


def _is_two_words(word: str) -> bool:
    """Tell whether a Latin and another word were merely written together, as in "iPhoneдля"."""
    match = _GLUED.fullmatch(word)
    if not match:
        return False
    other = match[1] or match[2]
    twins = LOOKALIKES if len(other) <= _LONG_WORD else SMALL_LOOKALIKES
    return not all(c in twins for c in other)


def _read_word(word: str, *, mostly_latin: bool) -> str:
    """Return a word in one script: the one in which all its letters can be read."""
    if not _LATIN_RUN.search(word):
        if not mostly_latin:
            return word
        twins = LOOKALIKES if len(word) >= _LONG_WORD else SMALL_LOOKALIKES
        return word.translate(_READ) if all(c in twins or c.isdigit() for c in word) else word
    if _is_two_words(word):
        return word
    latin = {c for c in word if "a" <= c <= "z"}
    others = sum(1 for c in word if c > "\x7f")
    if others * 2 >= len(word):
        if latin <= CYRILLIC_TWINS.keys() and _CYRILLIC_ONLY.search(word):
            return word.translate(_READ_CYRILLIC)
        if latin <= GREEK_TWINS.keys() and _GREEK_ONLY.search(word):
            return word.translate(_READ_GREEK)
    return word.translate(_READ)


def _mixes_letters(text: str) -> bool:
    """Tell whether the text holds Latin letters and others that can be read as such."""
    maybe = _MAYBE_OTHER.search(text)
    if not maybe or not _LATIN_RUN.search(text):
        return False
    return maybe[0] in READINGS or any(c in READINGS for c in _MAYBE_OTHER.findall(text, maybe.end()))


def _read_words(text: str) -> str:
    if not _mixes_letters(text):
        return text
    return apply_words(text)


def apply_words(text: str) -> str:
    """Return the text with each disguised word read in its script."""
    mostly_latin = _is_mostly_latin(text)
    return _WORD.sub(lambda m: m[0] if m[0].isascii() else _read_word(m[0], mostly_latin=mostly_latin), text)


def _trace_words(text: str) -> list[Edit]:
    if not _mixes_letters(text):
        return []
    mostly_latin = _is_mostly_latin(text)
    edits = []
    for match in _WORD.finditer(text):
        read = match[0] if match[0].isascii() else _read_word(match[0], mostly_latin=mostly_latin)
        # Every table maps one letter to one letter, so a word's edits are its letters'.
        edits += [
            Edit(match.start() + i, match.start() + i + 1, new)
            for i, (old, new) in enumerate(zip(match[0], read, strict=True))
            if old != new
        ]
    return edits


_MARKED = re.compile(character_class(LOOSE_MARKS))

_turn = substitute(_REVERSED, lambda m: m[1][::-1])
_drop_flags = substitute(_FLAG, lambda _: " ")
_clean = translate(CLEANING)
_lower = Step(str.lower, lambda _: [])
_case = Step(fold_case, _trace_case)
_drop_marks = substitute(_MARKED, lambda _: "")
_plain = translate(ACCENTS)
_read = Step(_read_words, _trace_words)

BASE_STEPS = (_turn, _drop_flags, _clean, _case, _drop_marks)
LATIN_STEPS = (_plain, _read)


def fold_base(text: str) -> str:
    """Return the text in small letters and compatibility forms, without invisible characters. NUL stays."""
    folded = fold_alone(text)
    return fold_in_steps(text) if folded is None else folded


def fold_in_steps(text: str) -> str:
    """Return the same as `fold_base`; for texts that `fold_alone` does not take."""
    if text.isascii():
        return text.translate(CLEANING).lower()
    if "\u202e" in text:
        text = _turn.apply(text)
    text = _clean.apply(_drop_flags.apply(text))
    if text.isascii():
        return text.lower()
    return _drop_marks.apply(fold_case(text))


def fold_latin(base: str) -> str:
    """Return the base text with accents and look-alikes folded; the same object where there is nothing to fold."""
    if base.isascii():
        return base
    return _read_words(_plain.apply(base))
