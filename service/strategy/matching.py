"""Does what a rule looks for stand in the ad, and where? From a bundle's hits to one rule's evidence."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from service.contracts.decision import MAX_EVIDENCE, MAX_EXCERPT_CHARS, Evidence, View
from service.rules.ad_view import AdView
from service.rules.advertisers import AdvertiserHit
from service.rules.hosts import HostHit
from service.rules.regexes import RegexHit
from service.rules.terms import TermHit
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
        found: list[Evidence] = []
        if self._terms and hits.terms:
            found += self._find_terms(ad, hits.terms)
        if self._regexes and hits.regexes:
            found += self._find_regexes(ad, hits.regexes)
        if self._hosts and hits.hosts:
            found += self._find_hosts(hits.hosts)
        if self._advertisers and hits.advertisers:
            found += self._find_advertisers(hits.advertisers)
        if not found:
            return None
        disguised = [evidence for evidence in found if evidence.view is View.SQUEEZED]
        if disguised and len(disguised) < len(found):
            # Plain spellings first: they are what a reviewer should see when there are more hits than room.
            found = [evidence for evidence in found if evidence.view is not View.SQUEEZED] + disguised
        return Matched(tuple(found[:MAX_EVIDENCE]), disguised=len(disguised) == len(found))

    def _find_terms(self, ad: AdView, hits: Iterable[TermHit]) -> Iterator[Evidence]:
        for hit in hits:
            if hit.entry.list in self._terms and hit.view in self._views:
                place = hit.locate(ad.views)
                if place.field in self._fields:
                    yield _show(place, hit.view, f"terms/{hit.entry.list}: {hit.entry.text}")

    def _find_regexes(self, ad: AdView, hits: Iterable[RegexHit]) -> Iterator[Evidence]:
        for hit in hits:
            if hit.entry.list in self._regexes and hit.view in self._views:
                place = hit.locate(ad.views)
                if place.field in self._fields:
                    yield _show(place, hit.view, f"regexes/{hit.entry.list}: {hit.entry.pattern}")

    def _find_hosts(self, hits: Iterable[HostHit]) -> Iterator[Evidence]:
        for hit in hits:
            if hit.list in self._hosts and hit.place.field in self._fields:
                yield _show(hit.place, View.BASE, f"hosts/{hit.list}: {hit.entry}")

    def _find_advertisers(self, hits: Iterable[AdvertiserHit]) -> Iterator[Evidence]:
        for hit in hits:
            if hit.list in self._advertisers:
                yield _show(hit.place, View.BASE, f"advertisers/{hit.list}: {hit.entry}")


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
