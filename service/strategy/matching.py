"""Does what a rule looks for stand in the ad, and where? From a bundle's hits to one rule's evidence."""

from collections.abc import Iterator
from typing import NamedTuple

from service.contracts.decision import MAX_EVIDENCE, MAX_EXCERPT_CHARS, Evidence, View
from service.rules.ad_view import AdView
from service.strategy.indexes import Hits
from service.strategy.rule_schema import TERM_FIELDS, Match
from service.text.views import Place

_URL_FIELDS = {"landing_url": "creative.landing_url", "display_url": "creative.display_url"}
_ALL_TEXTS = frozenset("creative." + name for name in TERM_FIELDS)


class Matched(NamedTuple):
    """Where a rule's match hit; `disguised`: in no plain spelling."""

    evidence: tuple[Evidence, ...]
    disguised: bool


class Matcher:
    """A rule's match, ready to be looked for."""

    def __init__(self, match: Match) -> None:
        self._terms, self._regexes = frozenset(match.terms), frozenset(match.regexes)
        self._hosts, self._advertisers = frozenset(match.hosts), frozenset(match.advertisers)
        self._views = frozenset(match.views)
        self._fields = _paths(match)

    def find(self, ad: AdView, hits: Hits) -> Matched | None:
        """Return the evidence that the ad's hits hold for this match; None if there is none."""
        found = [*self._find_in_prose(ad, hits), *self._find_elsewhere(hits)]
        if not found:
            return None
        # Plain spellings first: they are what a reviewer should see when there are more hits than room.
        found.sort(key=lambda pair: pair[1])
        return Matched(
            tuple(shown for shown, _ in found[:MAX_EVIDENCE]), disguised=all(disguised for _, disguised in found)
        )

    def _find_in_prose(self, ad: AdView, hits: Hits) -> Iterator[tuple[Evidence, bool]]:
        for term in hits.terms:
            if term.entry.list in self._terms and term.view in self._views:
                place = term.locate(ad.views)
                if place.field in self._fields:
                    matched = f"terms/{term.entry.list}: {term.entry.text}"
                    yield _show(place, term.view, matched), term.view is View.SQUEEZED
        for regex in hits.regexes:
            if regex.entry.list in self._regexes and regex.view in self._views:
                place = regex.locate(ad.views)
                if place.field in self._fields:
                    yield _show(place, regex.view, f"regexes/{regex.entry.list}: {regex.entry.pattern}"), False

    def _find_elsewhere(self, hits: Hits) -> Iterator[tuple[Evidence, bool]]:
        for host in hits.hosts:
            if host.list in self._hosts and host.place.field in self._fields:
                yield _show(host.place, View.BASE, f"hosts/{host.list}: {host.entry}"), False
        for advertiser in hits.advertisers:
            if advertiser.list in self._advertisers:
                matched = f"advertisers/{advertiser.list}: {advertiser.entry}"
                yield _show(advertiser.place, View.BASE, matched), False


def _show(place: Place, view: View, matched: str) -> Evidence:
    field, start, end, text = place
    return Evidence(
        field=field, start=start, end=end, excerpt=text[:MAX_EXCERPT_CHARS], view=view, matched=matched[:256]
    )


def _paths(match: Match) -> frozenset[str]:
    if match.fields is None:
        return _ALL_TEXTS | frozenset(_URL_FIELDS.values())
    paths: set[str] = set()
    for name in match.fields:
        paths |= _ALL_TEXTS if name == "texts" else {_URL_FIELDS.get(name, "creative." + name)}
    return frozenset(paths)
