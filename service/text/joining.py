"""The joined reading: letters and digits only, each by the one that stands for all its stand-ins.

Term indexes look in it: "Online-Casino", "on1ine casino" and "onlinecasino" join to one string, so that one pattern a
term finds them all. It is a gate, meant to be too eager; what was really written is then compared letter by letter.
"""

import string

from service.text.squeezing import CANON

# NUL stays, since it parts the fields. Beyond ASCII all characters stay: a look at each would cost too much.
_KEPT = (string.ascii_letters + string.digits + "\0").encode() + bytes(range(0x80, 0x100))
_LEFT_OUT = bytes(set(range(0x100)).difference(_KEPT))
_CANON_BYTES = bytes(ord(CANON.get(code, chr(code))) if code < 0x80 else code for code in range(0x100))  # noqa: PLR2004
_CANON_BEYOND_ASCII = [(chr(code), letter) for code, letter in CANON.items() if code >= 0x80]  # noqa: PLR2004


def join_letters(text: str) -> str:
    """Return the joined reading of a view's text or of a term's."""
    if text.isascii():
        return text.encode().translate(_CANON_BYTES, _LEFT_OUT).decode()
    for letter, canon in _CANON_BEYOND_ASCII:
        text = text.replace(letter, canon)
    # Bytes of characters beyond ASCII are none of those that are dropped or changed.
    return text.encode().translate(_CANON_BYTES, _LEFT_OUT).decode()
