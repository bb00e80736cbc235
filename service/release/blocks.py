"""Emergency blocks: hosts, advertisers, terms and texts that are rejected at once, whatever bundle or arm decides.

They are indexed as lists of a bundle are, one list a block, and become results as rules do, with evidence. A block
holds from the moment a worker has read it until it expires; expiry is judged by the decision's own time.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from service.contracts.decision import MAX_EVIDENCE, MAX_EXCERPT_CHARS, Evidence, Outcome, View
from service.contracts.ledger import Block, BlockKind
from service.rules.ad_view import AdView
from service.rules.hosts import HostIndex, read_host
from service.rules.terms import TermIndex, read_term
from service.strategy import RuleResult
from service.text.model_text import normalise_for_model

RULE_PREFIX = "block/"
"""Stands before a block's name in the `id` of a reason."""


class BlockError(ValueError):
    """What is to be blocked cannot be looked for; the text says why and how to write it."""


def hash_text(text: str) -> str:
    """Return the hash by which a text is blocked: SHA-256 of its normalised form, so that case and spaces are one."""
    return hashlib.sha256(normalise_for_model(text).encode()).hexdigest()


def check_value(what: BlockKind, value: str) -> str:
    """Return the value as it is compared with ads. Raises BlockError."""
    if what == "host":
        host = read_host(value)
        if host is None:
            raise BlockError(f"'{value[:60]}' is no host; write a bare host such as 'shop.example'")
        return host
    if what == "term":
        entry = read_term("block", value)
        if isinstance(entry, str):
            raise BlockError(f"term '{value[:60]}': {entry}; write a longer word or a phrase")
    if what == "text-hash" and (len(value) != 64 or set(value) - set("0123456789abcdef")):  # noqa: PLR2004 - SHA-256
        raise BlockError(f"'{value[:70]}' is no SHA-256 in small hex digits; let `--text` make it from the text")
    return value


class Blocks:
    """All blocks of a moment, compiled; immutable."""

    def __init__(self, entries: Iterable[Block] = ()) -> None:
        """Take blocks whose values passed `check_value`. Raises BlockError for one that does not."""
        self.entries = tuple(entries)
        self._named = {block.block: block for block in self.entries}
        values: dict[BlockKind, list[tuple[str, str]]] = defaultdict(list)
        for block in self.entries:
            values[block.what].append((block.block, check_value(block.what, block.value)))
        self._hosts = HostIndex((name, [host]) for name, host in values["host"]) if values["host"] else None
        terms = (read_term(name, value) for name, value in values["term"])
        self._terms = TermIndex(term for term in terms if not isinstance(term, str)) if values["term"] else None
        self._advertisers = _group(values["advertiser"])
        self._texts = _group(values["text-hash"])

    def count_in_force(self, as_of: datetime) -> int:
        """Return how many have not expired."""
        return sum(block.expires_at > as_of for block in self.entries)

    def find(self, ad: AdView, as_of: datetime) -> list[RuleResult]:
        """Return a rejection for each block in force that the ad falls under."""
        if not self.entries:
            return []
        found: dict[str, list[Evidence]] = defaultdict(list)
        for name, evidence in self._find_all(ad):
            found[name].append(evidence)
        return [
            _reject(self._named[name], evidence)
            for name, evidence in found.items()
            if self._named[name].expires_at > as_of
        ]

    def _find_all(self, ad: AdView) -> Iterator[tuple[str, Evidence]]:
        advertiser = ad.submission.advertiser.id
        for name in self._advertisers.get(advertiser, ()):
            yield name, _show("advertiser.id", 0, advertiser, View.BASE)
        if self._hosts is not None:
            for host in self._hosts.search(ad):
                yield host.list, _show(host.place.field, host.place.start, host.place.text, View.BASE)
        if self._terms is not None and ad.text_fields:
            for hit in self._terms.search(ad.views):
                place = hit.locate(ad.views)
                yield hit.entry.list, _show(place.field, place.start, place.text, hit.view)
        if self._texts:
            yield from self._find_texts(ad)

    def _find_texts(self, ad: AdView) -> Iterator[tuple[str, Evidence]]:
        whole = hashlib.sha256(ad.model_text.encode()).hexdigest()
        for path, text in ad.text_fields:
            for digest in {whole, hash_text(text)}:
                for name in self._texts.get(digest, ()):
                    yield name, _show(path, 0, text, View.BASE)


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        grouped[value].append(name)
    return dict(grouped)


def _show(field: str, start: int, text: str, view: View) -> Evidence:
    return Evidence(field=field, start=start, end=start + len(text), excerpt=text[:MAX_EXCERPT_CHARS], view=view)


def _reject(block: Block, evidence: list[Evidence]) -> RuleResult:
    matched = f"block {block.what}: {block.value}"[:256]
    shown = tuple(item.model_copy(update={"matched": matched}) for item in evidence[:MAX_EVIDENCE])
    detail = f"emergency block until {block.expires_at.isoformat(timespec='minutes')} by {block.author}: {block.reason}"
    return RuleResult(RULE_PREFIX + block.block, block.policy, Outcome.REJECT, detail, shown)


NO_BLOCKS = Blocks()
