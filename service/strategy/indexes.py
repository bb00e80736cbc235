"""The indexes over a bundle's lists, and all that they find in an ad. Two bundles share those whose lists are equal."""

from collections.abc import Mapping
from typing import NamedTuple

from service.rules.ad_view import AdView
from service.rules.advertisers import AdvertiserHit, AdvertiserIndex
from service.rules.hosts import HostHit, HostIndex
from service.rules.regexes import PatternError, RegexHit, RegexIndex
from service.rules.terms import TermHit, TermIndex
from service.strategy.lists import Lists
from service.strategy.problems import Problem, StrategyError

Fingerprint = tuple[tuple[str, bytes], ...]


class Hits(NamedTuple):
    """What all lists of a bundle find in one ad."""

    terms: list[TermHit]
    regexes: list[RegexHit]
    hosts: list[HostHit]
    advertisers: list[AdvertiserHit]

    @property
    def any(self) -> bool:
        """Whether anything hit."""
        return bool(self.terms or self.regexes or self.hosts or self.advertisers)


class Indexes(NamedTuple):
    """One index a kind of list, and which lists each was made of."""

    terms: TermIndex
    regexes: RegexIndex
    hosts: HostIndex
    advertisers: AdvertiserIndex
    made_of: Mapping[str, Fingerprint]

    def search(self, ad: AdView) -> Hits:
        """Return the hits in an ad; an index that has searched this ad view before is not asked again."""
        has_text = bool(ad.text_fields)
        return Hits(
            ad.ask(self.terms, self._search_terms) if has_text else [],
            ad.ask(self.regexes, self._search_regexes) if has_text else [],
            ad.ask(self.hosts, self.hosts.search),
            self.advertisers.search(ad),
        )

    def _search_terms(self, ad: AdView) -> list[TermHit]:
        return self.terms.search(ad.views)

    def _search_regexes(self, ad: AdView) -> list[RegexHit]:
        return self.regexes.search(ad.views)


def build_indexes(lists: Lists, reuse: Indexes | None) -> Indexes:
    """Return the indexes over the lists; those of `reuse` over equal lists are taken. Raises `StrategyError`."""
    made_of = {kind: lists.fingerprint(kind) for kind in ("terms", "regexes", "hosts", "advertisers")}
    same = {kind for kind in made_of if reuse is not None and reuse.made_of[kind] == made_of[kind]}
    terms, hosts, advertisers = (lists.of_kind(kind) for kind in ("terms", "hosts", "advertisers"))
    try:
        return Indexes(
            reuse.terms
            if reuse and "terms" in same
            else TermIndex((e for entries in terms.values() for e in entries), reuse.terms if reuse else None),
            reuse.regexes if reuse and "regexes" in same else _build_regexes(lists),
            reuse.hosts if reuse and "hosts" in same else HostIndex(hosts.items()),
            reuse.advertisers if reuse and "advertisers" in same else AdvertiserIndex(advertisers.items()),
            made_of,
        )
    except PatternError as error:
        raise StrategyError([Problem("lists/regexes", 1, 1, error.what, error.remedy)]) from error


def _build_regexes(lists: Lists) -> RegexIndex:
    return RegexIndex([entry for entries in lists.of_kind("regexes").values() for entry in entries])
