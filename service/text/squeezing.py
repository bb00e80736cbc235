"""The squeezed reading: separators inside words dropped, leet read as letters, stretched letters drawn together.

It is a gate, meant to be too eager: "retail" and "reta!l" look alike in it. `confirms` then compares the Latin text
under a hit with the term, letter by letter, so that only spellings which really stand for the term count.
"""

import re
import string
from collections.abc import Iterator

import re2
from ahocorasick_rs import AhoCorasick

from service.text.tables import LEET, MARKS
from service.text.tracing import Edit, apply_edits, substitute

_STANDS_FOR = {c: frozenset(letter) for c, letter in LEET.items()} | {
    "1": frozenset("il"), "|": frozenset("il"), "!": frozenset("il"), "6": frozenset("gb"), "4": frozenset("a"),
    "3": frozenset("eз"), "0": frozenset("oо"), "v": frozenset("u"), "l": frozenset("i"), "i": frozenset("l"),
    "2": frozenset("z"), "8": frozenset("b"),
}  # fmt: skip
# One letter for all that may stand for one another; the term is put through the same table.
CANON = {ord(c): letter for c, letter in LEET.items()} | {ord("l"): "i", ord("|"): "i", ord("2"): "z", ord("v"): "u"}
CANON |= {ord("о"): "o", ord("з"): "e"}
_SEPARATORS = "".join(c for c in map(chr, range(0x80)) if not c.isalnum() and c != " ").encode()
_CANON_BYTES = bytes(ord(CANON.get(code, chr(code))) for code in range(0x80)) + bytes(range(0x80, 0x100))

# A search is some five times quicker where a pattern begins with a plain class of characters, so each step's pattern
# takes its first character first and then looks back at what stands before it.
_BMP = [chr(code) for code in range(0x10000)]
_BEYOND_BMP = "\U00010000-\U0010ffff"
_DIGITS = re.escape("".join(filter(str.isdecimal, _BMP)))
_NO_LETTERS = [c for c in _BMP if not c.isalnum() and c not in MARKS and c != "\0"]
_SIGNS = "@$!|€£¢¡"
_SIGN = f"[{_SIGNS}]"
_LETTERED = re.compile(
    rf"[{_SIGNS}{_DIGITS}](?:(?<=[^\W\d_].)(?:(?<=\d)\d?|(?<={_SIGN}){_SIGN}*)(?=\w)"
    r"|(?<=\w[$€£@])[$€£@]?(?!\w)|(?=[^\W\d_]))"
)
_TAIL = re.compile(r"[013457](?<=[^\W\d_].)(?:(?<=0)0|(?<=3)3)?(?!\w)")
# A vowel sign or tone mark is a part of its word (Thai, Hindi ...), never a gap in it.
_EDGE = f"(?:[^\\w{MARKS}]|_)"
_INSIDE = re.compile(
    rf"[{re.escape(''.join(c for c in _NO_LETTERS if not c.isspace()))}{_BEYOND_BMP}]"
    rf"(?<=[\W_])(?<=[^\W_].)(?:[^\w\s\0{MARKS}]|_){{0,2}}(?=[^\W_])",
    re.DOTALL,
)
_BETWEEN_SINGLES = re.compile(
    rf"[{re.escape(''.join(_NO_LETTERS))}{_BEYOND_BMP}]"
    rf"(?<=[\W_])(?:(?<=^[^\W_].)|(?<=[^\w{MARKS}][^\W_].)|(?<=_[^\W_].))(?!(?<=[@$!€])[^\W_])"
    rf"(?:[^\w\0{MARKS}]|_){{0,4}}(?=[^\W_](?:{_EDGE}|$))",
    re.DOTALL,
)
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_TRIPLES = AhoCorasick([c * 3 for c in string.ascii_lowercase])

# One pass of an automaton tells which steps could change a text at all. It may be too eager, never too lazy.
GATE_LEET, GATE_SPREAD, GATE_PARTED, GATE_STRETCHED = range(4)
_GATES = (
    r"[0-9@$!|€£¢¡]\pL|\pL[$€£@0-9]",
    r"(?:^|[^\pL\pN\pM])[\pL\pN](?:[^\pL\pN\pM\x00]){1,5}[\pL\pN](?:[^\pL\pN\pM]|$)",
    # Not the apostrophe of "don't", "we're" and "l'eau".
    r"[\pL\pN](?:[^\pL\pN\pM\s\x00']{1,3}|['_]{2,3})[\pL\pN]|\pL{2}'(?:\pL{3}|[^\PLstdmrvl])",
    # "www" is no stretched letter.
    "|".join(c * (4 if c == "w" else 3) for c in map(chr, range(0x61, 0x590)) if c.isalpha() and c == c.lower()),
)


def _build_gate() -> re2.Set:
    gate = re2.Set.SearchSet()
    for pattern in _GATES:
        gate.Add(pattern)
    gate.Compile()
    return gate


_GATE = _build_gate()
_DOUBLED = re.compile(r"(.)\1+")
_ALPHABETIC = re.compile("[a-z0-9\u00c0-\u058f]")
# "gambIing": a capital I inside a word is read as l.
_CAPITAL_I = re.compile(r"I(?<=[a-z].)")

MIN_SQUEEZED_CHARS = 4
"""A shorter term is not looked for in the squeezed reading: too many innocent letters squeeze to it."""
MIN_DENSE_CHARS = 2
"""The same for scripts whose characters say more than a Latin letter."""

_CANON_LETTERS = [(chr(code), letter) for code, letter in CANON.items() if chr(code).isalpha()]
_draw_together = substitute(_STRETCHED, lambda m: m[1])


def _unstretch(text: str) -> str:
    if text.isascii() and not _TRIPLES.find_matches_as_indexes(text):
        return text
    return _draw_together.apply(text)


_STEPS = (
    (GATE_SPREAD, substitute(_BETWEEN_SINGLES, lambda _: "")),
    (GATE_LEET, substitute(_LETTERED, lambda m: m[0].translate(CANON))),
    (GATE_LEET, substitute(_TAIL, lambda m: m[0].translate(CANON))),
    (GATE_PARTED, substitute(_INSIDE, lambda _: "")),
    (GATE_STRETCHED, _draw_together._replace(apply=_unstretch)),
)


def _canonise(text: str) -> str:
    # A few replacements in C cost a tenth of one `str.translate`.
    for letter, canon in _CANON_LETTERS:
        text = text.replace(letter, canon)
    return text


def open_gates(latin: str) -> frozenset[int]:
    """Return which steps (`GATE_...`) could change a Latin reading."""
    return frozenset(_GATE.Match(latin.encode()) or ())


def squeeze(latin: str, original: str = "", gates: frozenset[int] | None = None) -> str | None:
    """Return the squeezed reading of a Latin reading; None where squeezing brings nothing to light.

    `original` is the text before its capitals were lost; `gates` those of `open_gates`, where they are known.
    """
    gates = open_gates(latin) if gates is None else gates
    squeezed = latin
    for gate, step in _STEPS:
        # One step's work may call for the next: spread letters, drawn together, may be leet or stretched.
        if gate in gates or squeezed != latin:
            squeezed = step.apply(squeezed)
    odd = squeezed != latin or _CAPITAL_I.search(original)
    return _canonise(squeezed) if odd else None


def trace_squeeze(latin: str) -> Iterator[list[Edit]]:
    """Yield the edits of each step that leads from a Latin reading to its squeezed one, in their order."""
    gates = open_gates(latin)
    squeezed = latin
    for gate, step in _STEPS:
        if gate in gates or squeezed != latin:
            edits = step.trace(squeezed)
            squeezed = apply_edits(squeezed, edits)
            yield edits


def _write_canonically(latin: str) -> str:
    if latin.isascii():
        return latin.encode().translate(_CANON_BYTES, _SEPARATORS).decode()
    return "".join(c if c.isalnum() or c == " " else "" for c in latin).translate(CANON)


def squeeze_term(latin: str) -> tuple[str, ...]:
    """Return what to look for in squeezed texts for a term; nothing for a term that is too short."""
    written = _write_canonically(latin)
    forms = (written, written.replace(" ", ""))
    shortened = tuple(_DOUBLED.sub(r"\1", form) for form in forms)
    least = MIN_SQUEEZED_CHARS if _ALPHABETIC.search(latin) else MIN_DENSE_CHARS
    return tuple(dict.fromkeys(form for form in forms + shortened if len(form) >= least))


def confirms(written: str, term: str) -> bool:
    """Tell whether `written` (a Latin reading) spells `term` (too): each letter itself or a stand-in, gaps between.

    A letter may be stretched to three or more. At least half of the term's letters must be themselves.
    Linear in the length of `written`.
    """
    wanted = term.replace(" ", "")
    at = plain = run = 0
    last = ""
    for c in written:
        expected = wanted[at] if at < len(wanted) else ""
        stands = bool(expected) and expected in _STANDS_FOR.get(c, ())
        if c == expected or (stands and not (c == last and c.isalpha())):
            run = run + 1 if c == last else 1
            plain += c == expected
            last = c
            at += 1
        elif c == last and c.isalnum():
            run += 1
            # "beet" is no "bet": a letter only counts as stretched when it stands three times or more.
            if run == 2 and c * 3 not in written:  # noqa: PLR2004
                return False
        elif c.isalnum():
            return False
        else:
            last = ""
    return at == len(wanted) and plain * 2 >= len(wanted)
