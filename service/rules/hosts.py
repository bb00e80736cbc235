"""Host lists: is this host, or a domain above it, listed? One dictionary for all lists, one walk up the labels."""

from collections.abc import Iterable
from typing import NamedTuple

from service.rules.ad_view import AdView
from service.text.urls import WebAddress, read_url
from service.text.views import Place


class HostHit(NamedTuple):
    """A listed host in an ad: `list` and `entry` hit at `place`."""

    list: str
    entry: str
    place: Place


def read_host(entry: str) -> str | None:
    """Return a list entry as the host that URLs are compared with, or None when it is no bare host."""
    if any(c in entry for c in "/@?#: \t\\") or "." not in entry.strip("."):
        return None
    address = read_url(entry)
    return address.host if address.valid else None


class HostIndex:
    """Looks hosts up in all lists at once. An entry also stands for every host below it."""

    def __init__(self, lists: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Take (list name, hosts) pairs; hosts as `read_host` returns them."""
        self._lists_of: dict[str, list[str]] = {}
        for name, hosts in lists:
            for host in hosts:
                self._lists_of.setdefault(host, []).append(name)

    def _walk(self, host: str) -> list[tuple[str, str]]:
        found = []
        while host:
            if host in self._lists_of:
                found += [(name, host) for name in self._lists_of[host]]
            host = host.partition(".")[2]
        return found

    def search(self, ad: AdView) -> list[HostHit]:
        """Return the hits in the landing and the display address, in addresses inside them, and in the prose."""
        if not self._lists_of:
            return []
        hits = []
        for field, address in (("creative.landing_url", ad.landing), ("creative.display_url", ad.display)):
            for host in _hosts(address):
                if found := self._walk(host):
                    whole = Place(field, 0, len(address.given), address.given)
                    hits += [HostHit(name, entry, whole) for name, entry in found]
        for start, end, address in ad.text_urls:
            for host in _hosts(address):
                found = self._walk(host)
                hits += [HostHit(name, entry, ad.views.place(start, end)) for name, entry in found]
        return hits


def _hosts(address: WebAddress) -> tuple[str, ...]:
    if not address.valid:
        return ()
    nested = address.nested_hosts if "%" in address.given or address.given.find("://", 9) > 0 else ()
    return (address.host, *nested)
