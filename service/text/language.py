"""Guesses the language of an ad that does not say it; only asked for when a rule or a review task needs it.

Source: langid's model as packaged by `py3langid` (BSD). About 30 µs a text; the first call loads it (0.7 s): `warm_up`.
"""

import re

import py3langid

_MAX_CHARS = 500
_LETTERS = re.compile(r"[^\W\d_]")
_KANA = re.compile(r"[぀-ヿ]")
_HAN = re.compile(r"[一-鿿]")
_HANGUL = re.compile(r"[가-힣]")
_THAI = re.compile(r"[฀-๿]")
_MIN_LETTERS = 3


def guess_language(text: str) -> str:
    """Return an ISO 639-1 code, or '' for a text with too few letters to tell."""
    head = text[:_MAX_CHARS]
    letters = len(_LETTERS.findall(head))
    if letters < _MIN_LETTERS:
        return ""
    # Scripts of one language are surer and cheaper than the model. Kana before Han: Japanese has both.
    for pattern, code, share in ((_KANA, "ja", 0.1), (_HANGUL, "ko", 0.3), (_THAI, "th", 0.3), (_HAN, "zh", 0.3)):
        if len(pattern.findall(head)) > share * letters:
            return code
    return str(py3langid.classify(head.encode("utf-8", "replace"))[0])


def warm_up() -> None:
    """Load the model now, so that no ad waits for it."""
    guess_language("load the model")
