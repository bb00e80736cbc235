"""Finds list entries that hit what is in order: an everyday word, or many of the sample's ordinary ads."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from service.contracts.submission import Submission
from service.linting.report import Findings
from service.linting.sample import Sample
from service.rules.ad_view import AdView
from service.strategy import BundleFiles, Problem
from service.strategy.indexes import Indexes
from service.strategy.lists import ListFile, Lists
from service.text.views import Views

MOST_ADS_SHARE = 0.01
"""An entry that hits a larger share of ordinary ads says nothing about an ad."""
_FEWEST_ADS = 2
_FIELD = "creative.headline"
_EXAMPLE_CHARS = 60

EntryKey = tuple[str, str]
"""List name and the entry as written."""


class _Hits(NamedTuple):
    """What one entry hit."""

    words: list[str]
    ads: list[Submission]


def _search(indexes: Indexes, views: Views) -> Iterator[EntryKey]:
    """Yield each entry of a term or regex list that hits."""
    yield from ((hit.entry.list, hit.entry.text) for hit in indexes.terms.search(views))
    yield from ((hit.entry.list, hit.entry.pattern) for hit in indexes.regexes.search(views))


def find_harmless_hits(
    files: BundleFiles, lists: Lists, indexes: Indexes, sample: Sample, acting_alone: Iterable[str]
) -> Findings:
    """Return a finding for each entry that hits an everyday word, or over 1 % of the sample's ads.

    It is an error on a list in `acting_alone`: there a rule restricts an ad for the hit alone. On others it is a
    warning, since conditions may make sense of it.
    """
    hits = _search_sample(indexes, sample)
    alone = set(acting_alone)
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for read_file, entry, found in _order(lists, hits):
        if problem := _judge(files, read_file, entry, found, len(sample.ads)):
            (errors if read_file.name in alone else warnings).append(problem)
    return Findings(tuple(errors), tuple(warnings))


def _search_sample(indexes: Indexes, sample: Sample) -> Mapping[EntryKey, _Hits]:
    hits: dict[EntryKey, _Hits] = defaultdict(lambda: _Hits([], []))
    for word in sample.words:
        for key in _search(indexes, Views(((_FIELD, word.text),))):
            hits[key].words.append(f"'{word.text}' ({word.language})")
    for ad in sample.ads:
        for key in set(_search(indexes, AdView(ad).views)):
            hits[key].ads.append(ad)
    return hits


def _order(lists: Lists, hits: Mapping[EntryKey, _Hits]) -> Iterator[tuple[ListFile, str, _Hits]]:
    by_name = {read_file.name: read_file for read_file in lists.files.values()}
    for name, entry in sorted(hits):
        yield by_name[name], entry, hits[name, entry]


def _judge(files: BundleFiles, read_file: ListFile, entry: str, hits: _Hits, ads: int) -> Problem | None:
    said = []
    if hits.words:
        more = f" and {len(hits.words) - 1} more" if len(hits.words) > 1 else ""
        said.append(f"the everyday word {hits.words[0]}{more}")
    if len(hits.ads) >= _FEWEST_ADS and len(hits.ads) > MOST_ADS_SHARE * ads:
        said.append(
            f"{len(hits.ads) / ads:.1%} of the sample ads, such as '{quote_ad(hits.ads[0])}'".replace("%", " %")
        )
    if not said:
        return None
    file = f"lists/{read_file.kind}/{read_file.name}.txt"
    line, column = _find_entry(files[file], entry)
    what = f"entry '{entry[:_EXAMPLE_CHARS]}' hits {' and '.join(said)}"
    remedy = "write a narrower pattern" if read_file.kind == "regexes" else "write a longer phrase, or remove it"
    return Problem(file, line, column, what, remedy)


def quote_ad(ad: Submission) -> str:
    """Return the ad's headline, or the start of its body, to tell it by."""
    text = ad.creative.headline or ad.creative.body
    return text if len(text) <= _EXAMPLE_CHARS else text[:_EXAMPLE_CHARS] + "…"


def _find_entry(content: bytes, entry: str) -> tuple[int, int]:
    """Return line and column, from 1, of an entry of a list; a comment may stand behind it."""
    pattern = re.compile(rf"\s*({re.escape(entry)})\s*(?:\s#.*)?")
    for number, raw in enumerate(content.decode("utf-8").removeprefix("\ufeff").split("\n"), 1):
        if match := pattern.fullmatch(raw):
            return number, match.start(1) + 1
    return 1, 1
