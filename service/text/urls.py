"""Reads URLs as a browser would, finds them in texts, and never fails: an unreadable URL is a value that says so.

Sources: the WHATWG URL standard by `ada-url`; registrable domains by the public suffix list in `publicsuffixlist`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

import ada_url
from publicsuffixlist import PublicSuffixList

from service.text.lazy import lazy

MAX_DECODINGS = 5
"""Percent-decoding stops here; a depth of this number means "this many or more"."""

_SUFFIXES = PublicSuffixList()
# Browsers drop these wherever they stand.
_STRIPPED = dict.fromkeys(map(ord, "\t\n\r"))
_WEB = frozenset({"http:", "https:"})
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
_DOT = r"(?:\.|\[\.\]|\(\.\)|。|．|｡)"
_IN_TEXT = re.compile(rf"(?:h(?:tt|xx)ps?:[\\/]{{2}}[^\s<>\"'\0]+)|[\w-]+(?:{_DOT}[\w-]+)+", re.IGNORECASE)
_MAYBE_IN_TEXT = re.compile(r"[.:。．｡](?:[^\W_]|[\])\\/])")
_SHORT = 64
_RUN = re.compile(r"[^ ]*")
# Both cases are spelt out: IGNORECASE would also take the long s and the Kelvin sign, which a browser reads as s and k.
_BARE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}")
_PLAIN = re.compile(
    r"(?:[Hh][Tt][Tt][Pp][Ss]?://)?"
    r"((?:(?![Xx][Nn]--)[A-Za-z0-9][A-Za-z0-9-]{0,62}+(?<!-)\.){1,8}[A-Za-z]{2,24})(?:/[\x21-\x5b\x5d-\x7e]*)?"
)
_NESTED = re.compile(r"https?:[\\/]{2}[^\s&\"'<>#]+", re.IGNORECASE)
_DEFANGED = re.compile(r"\[\.\]|\(\.\)")


@dataclass(eq=True)
class WebAddress:
    """A URL as a browser reads it. `problem` is '' for a readable web address, else says what is wrong with it."""

    given: str
    problem: str = ""
    host: str = ""
    is_ip: bool = False
    has_credentials: bool = False

    @property
    def valid(self) -> bool:
        """Tell whether a browser would open it as a web page."""
        return not self.problem

    @property
    def punycode(self) -> bool:
        """Tell whether the host has letters beyond ASCII."""
        return self.host.startswith("xn--") or ".xn--" in self.host

    @lazy
    def display_host(self) -> str:
        """Return the host as a person sees it: punycode decoded."""
        return _decode_host(self.host) if self.punycode else self.host

    @lazy
    def registrable_domain(self) -> str:
        """Return the domain that somebody registered, such as 'example.co.uk', else the host itself."""
        return _register(self.host) if not self.is_ip else self.host

    @lazy
    def signs(self) -> tuple[object, ...]:
        """Return all that is odd about it: validity, IP, credentials, encoding depth, punycode, mixed scripts."""
        if self.problem or "%" in self.given or "xn--" in self.host:
            depth, punycode, mixed = self.encoding_depth, self.punycode, self.mixed_scripts
            return self.valid, self.is_ip, self.has_credentials, depth, punycode, mixed
        return True, self.is_ip, self.has_credentials, 0, False, False

    @lazy
    def encoding_depth(self) -> int:
        """Return how many times percent-decoding still changes it, at most `MAX_DECODINGS`."""
        return _decode(self.given)[1]

    @lazy
    def mixed_scripts(self) -> bool:
        """Tell whether one label of the host mixes Latin letters with Cyrillic or Greek ones, or is all look-alikes."""
        return self.punycode and any(map(_is_mixed, self.display_host.split(".")))

    @lazy
    def nested_hosts(self) -> tuple[str, ...]:
        """Hosts of web addresses inside this one (redirects), also percent-encoded ones."""
        decoded = _decode(self.given)[0]
        inner = (read_url(m[0]) for m in _NESTED.finditer(decoded, 1))
        return tuple(dict.fromkeys(url.host for url in inner if url.valid and url.host != self.host))


NO_URL = WebAddress("", "empty")


def read_url(given: str) -> WebAddress:
    """Return the web address that a browser would open for `given`; "host/path" and "//host" count as https."""
    if plain := _PLAIN.fullmatch(given):
        # Nothing in it that a browser reads in its own way: the parser would say the same, at four times the cost.
        return WebAddress(given, "", plain[1].lower())
    if not given or given.isspace():
        return NO_URL
    text = given.translate(_STRIPPED).strip()
    bare = not text.startswith(("//", "\\\\")) and not _SCHEME.match(text)
    if bare or not _SCHEME.match(text):
        text = ("https://" if bare else "https:") + text
    try:
        url = ada_url.URL(text)
        if url.protocol not in _WEB:
            return WebAddress(given, f"scheme '{url.protocol[:32]}' is not http or https")
        host = url.hostname.rstrip(".")
        if not host or (bare and "." not in host):
            return WebAddress(given, "no host")
        credentials = bool(url.username or url.password)
        return WebAddress(given, "", host, url.host_type != ada_url.HostType.DEFAULT, credentials)
    except (ValueError, UnicodeError):
        return WebAddress(given, "a browser cannot read it")


def find_urls(text: str) -> Iterator[tuple[int, int, WebAddress]]:
    """Yield [start, end) and the address of all in `text` that looks like one; also "evil[.]example", "hxxp://"."""
    done = 0
    for sign in _MAYBE_IN_TEXT.finditer(text):
        if sign.start() < done:
            continue
        # The costly pattern only sees the run of characters around a sign of an address.
        run = _RUN.match(text, max(text.rfind(" ", done, sign.start()) + 1, done))
        done = run.end() if run else sign.end()
        for match in _IN_TEXT.finditer(text, run.start() if run else sign.start(), done):
            found = match[0].rstrip(".,;:!?)]}'\"")
            # Prices and the shop's own name come again and again.
            address = _read_again(found) if len(found) <= _SHORT else _read_found(found)
            if address.valid and "." in address.host:
                yield match.start(), match.start() + len(found), address


def _read_found(found: str) -> WebAddress:
    if _BARE.fullmatch(found):
        # Such a name reads as it stands; "www.example.com" need not go through the parser.
        return WebAddress(found, "", found.lower())
    mended = _DEFANGED.sub(".", found)
    return read_url("http" + mended[4:] if mended[:4].lower() == "hxxp" else mended)


_read_again = lru_cache(4096)(_read_found)


def _decode(text: str) -> tuple[str, int]:
    depth = 0
    while depth < MAX_DECODINGS and "%" in text:
        decoded = unquote(text)
        if decoded == text:
            break
        text, depth = decoded, depth + 1
    return text, depth


@lru_cache(4096)
def _register(host: str) -> str:
    return _SUFFIXES.privatesuffix(host) or host


@lru_cache(4096)
def _decode_host(host: str) -> str:
    try:
        return str(ada_url.idna_to_unicode(host))
    except (ValueError, UnicodeError):
        return host


def _is_mixed(label: str) -> bool:
    scripts = {unicodedata.name(c, "?").split(" ")[0] for c in label if c.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}) > 1
