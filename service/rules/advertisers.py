"""Advertiser lists: is this very advertiser listed? One dictionary for all lists; ids are compared as they are sent."""

from collections.abc import Iterable
from typing import NamedTuple

from service.rules.ad_view import AdView
from service.text.views import Place

FIELD = "advertiser.id"
MAX_ID_CHARS = 128


class AdvertiserHit(NamedTuple):
    """The ad's advertiser stands on `list`."""

    list: str
    entry: str
    place: Place


def read_advertiser(entry: str) -> str | None:
    """Return a list entry as an advertiser's id, or None when no id looks like it."""
    return entry if len(entry) <= MAX_ID_CHARS and entry.isprintable() and " " not in entry else None


class AdvertiserIndex:
    """Looks an advertiser up in all lists at once."""

    def __init__(self, lists: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Take (list name, ids) pairs; ids as `read_advertiser` returns them."""
        self._lists_of: dict[str, list[str]] = {}
        for name, ids in lists:
            for advertiser in ids:
                self._lists_of.setdefault(advertiser, []).append(name)

    def search(self, ad: AdView) -> list[AdvertiserHit]:
        """Return a hit for each list that names the ad's advertiser."""
        advertiser = ad.submission.advertiser.id
        names = self._lists_of.get(advertiser)
        if not names:
            return []
        place = Place(FIELD, 0, len(advertiser), advertiser)
        return [AdvertiserHit(name, advertiser, place) for name in names]
