"""Finds the names that a condition mentions: lists, policies, markets, verticals; misspelt ones would never hold.

Works on the condition's text: what CEL calls a string is a name to us. Only plain forms are understood; whatever else
a condition says is left alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from service.contracts.submission import TrustTier
from service.strategy.lists import Lists
from service.strategy.problems import suggest
from service.strategy.scalars import suggest_market
from service.strategy.schema import BundleFile

HITS = {"term_hits": "terms", "regex_hits": "regexes", "host_hits": "hosts", "advertiser_hits": "advertisers"}

_TEXT = r"""(?:"[^"\\\n]*"|'[^'\\\n]*')"""
_COMMENT = re.compile(rf"({_TEXT})|//[^\n]*")
_IN_HITS = re.compile(rf"({_TEXT})\s+in\s+({'|'.join(HITS)}|scores)\b")
_SCORE = re.compile(rf"\bscores\s*(?:\[\s*({_TEXT})\s*\]|\.([a-z_][a-z0-9_]*)\b(?!\s*\())")
_FIELD = r"(ad\.market|ad\.vertical|ad\.product|advertiser\.country|advertiser\.trust_tier)"
_COMPARED = re.compile(rf"\b{_FIELD}\s*[!=]=\s*({_TEXT})|({_TEXT})\s*[!=]=\s*{_FIELD}\b")
_IN_LIST = re.compile(rf"\b{_FIELD}\s+in\s+\[([^\]]*)\]")
_ITEM = re.compile(_TEXT)


class Mention(NamedTuple):
    """A name in a condition that means nothing, where it stands (line and column from 1), and the remedy."""

    what: str
    remedy: str
    line: int
    column: int


def find_unknown(text: str, shared: BundleFile, lists: Lists, scored: frozenset[str]) -> Iterator[Mention]:
    """Yield the names that stand for nothing. `scored` are the policies that have thresholds somewhere."""
    # Comments become blanks, so that no place moves.
    bare = _COMMENT.sub(lambda hit: hit[1] or " " * len(hit[0]), text)
    for hit in _IN_HITS.finditer(bare):
        name = hit[1][1:-1]
        found = _check_score(name, scored) if hit[2] == "scores" else _check_list(name, hit[2], lists)
        yield from _place(found, bare, hit.start(1))
    for hit in _SCORE.finditer(bare):
        group = 1 if hit[1] else 2
        yield from _place(_check_score(hit[group].strip("\"'"), scored), bare, hit.start(group))
    for hit in _COMPARED.finditer(bare):
        field, group = (hit[1], 2) if hit[1] else (hit[4], 3)
        yield from _place(_check_value(field, hit[group][1:-1], shared), bare, hit.start(group))
    for hit in _IN_LIST.finditer(bare):
        for item in _ITEM.finditer(hit[2]):
            yield from _place(_check_value(hit[1], item[0][1:-1], shared), bare, hit.start(2) + item.start())


def _place(found: tuple[str, str] | None, text: str, at: int) -> Iterator[Mention]:
    if found:
        yield Mention(*found, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _check_list(name: str, variable: str, lists: Lists) -> tuple[str, str] | None:
    kind = HITS[variable]
    if name in lists.of_kind(kind):
        return None
    other = lists.kind_of(name)
    if other:
        asked = next(hits for hits, of_kind in HITS.items() if of_kind == other)
        return f"'{name}' is a list of {other}, which {variable} never holds", f"write '{asked}'"
    return f"unknown list lists/{kind}/{name}.txt", suggest(name, lists.of_kind(kind))


def _check_score(name: str, scored: frozenset[str]) -> tuple[str, str] | None:
    return None if name in scored else (f"no policy '{name}' has a score", suggest(name, scored))


def _check_value(field: str, value: str, shared: BundleFile) -> tuple[str, str] | None:
    if field in {"ad.market", "advertiser.country"}:
        remedy = suggest_market(value)
        if remedy == f"did you mean '{value}'?" or (field == "advertiser.country" and not value):
            return None
        return f"'{value}' is not an ISO 3166-1 code", remedy.removesuffix(", or any")
    known: Mapping[str, tuple[str, ...]] = {
        "ad.vertical": shared.verticals,
        "ad.product": shared.products,
        "advertiser.trust_tier": tuple(TrustTier),
    }
    if not known[field] or value in known[field]:
        return None
    return f"unknown {field.rpartition('.')[2]} '{value}'", suggest(value, known[field])
