"""What two bundles have in common is one thing in memory, and a bundle that is dropped is gone."""

import gc
import tracemalloc
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.contracts.submission import Submission
from service.rules import AdView
from service.rules.terms import TermHit, TermIndex
from service.strategy import Bundle, Signals, compile_bundle
from service.text.views import Views
from tests.ads import make_ad
from tests.unit.strategy.conftest import FILES

NOW = datetime(2026, 2, 1, tzinfo=UTC)
SMALL = {name: content.encode() for name, content in FILES.items()}
SMALL |= {
    "lists/regexes/cash.txt": b"c[a@]sh\n",
    "lists/advertisers/known.txt": b"adv-7\n",
    "rules/a.yaml": b"rules: []\n",
}
MEGABYTE = 1_000_000


def change(name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    assert old in SMALL[name]
    return {**SMALL, name: SMALL[name].replace(old, new)}


@pytest.fixture
def live() -> Bundle:
    return compile_bundle(SMALL)


def test_equal_lists_share_their_index(live: Bundle) -> None:
    """Only the kind of list that changed is built again."""
    files = change("lists/hosts/blocked.txt", b"evil.example", b"worse.example")
    candidate = compile_bundle(files, reuse=live)
    shared = {
        kind: getattr(candidate.indexes, kind) is getattr(live.indexes, kind)
        for kind in ("terms", "regexes", "hosts", "advertisers")
    }
    assert shared == {"terms": True, "regexes": True, "hosts": False, "advertisers": True}


def test_unchanged_files_are_not_read_again(live: Bundle) -> None:
    """Their documents, their entries and the conditions that were compiled are those of the bundle in memory."""
    ad = AdView(Submission.model_validate(make_ad(product="story")))
    live.strategy_of(("GB", "x", "y"), NOW).evaluate_rules([ad], [{}], NOW)
    candidate = compile_bundle(change("default.yaml", b"description: For tests.", b"description: Else."), reuse=live)
    same = {name for name, reading in candidate.readings.items() if reading is live.readings[name]}
    assert same == {"bundle.yaml", "rules/a.yaml"}
    assert candidate.lists.files["lists/terms/casino.txt"] is live.lists.files["lists/terms/casino.txt"]
    compiled = candidate.preparation.conditions.compiled
    assert compiled
    assert all(conditions is live.preparation.conditions.compiled[texts] for texts, conditions in compiled.items())


def test_reuse_changes_nothing_that_a_bundle_says(live: Bundle) -> None:
    """A bundle is a function of its files, whatever it was compiled beside."""
    files = change("lists/terms/casino.txt", b"casino\n", b"roulette\n")
    alone, beside = compile_bundle(files), compile_bundle(files, reuse=live)
    assert alone.sha256 == beside.sha256
    for body in ("roulette", "casino", "online casino r0ulette", "shoes"):
        submission = Submission.model_validate(make_ad(creative={"body": body}))
        rulings = []
        for bundle in (alone, beside):
            strategy = bundle.strategy_for(submission, NOW)
            [results] = strategy.evaluate_rules([AdView(submission)], [{}], NOW)
            rulings.append(strategy.decide(Signals({}, results)))
        assert rulings[0] == rulings[1]


def test_a_mistake_in_an_unchanged_file_is_found_again(live: Bundle) -> None:
    """A file may be as it was and wrong all the same: the list that it names is gone."""
    files = {name: content for name, content in SMALL.items() if name != "lists/terms/casino.txt"}
    with pytest.raises(ValueError, match=r"default.yaml:11:20: unknown list lists/terms/casino.txt"):
        compile_bundle(files, reuse=live)


class CountingIndex(TermIndex):
    """A real index that counts how often it is searched."""

    searched = 0

    def search(self, views: Views) -> list[TermHit]:
        type(self).searched += 1
        return super().search(views)


def test_an_ad_is_searched_once_for_both_bundles(live: Bundle) -> None:
    """The candidate takes the live bundle's hits where the lists are the same."""
    terms = CountingIndex([])
    live.indexes = live.indexes._replace(terms=terms)
    candidate = compile_bundle(change("default.yaml", b"action: reject", b"action: review"), reuse=live)
    ad = AdView(Submission.model_validate(make_ad()))
    for bundle in (live, candidate):
        assert bundle.indexes.terms is terms
        bundle.indexes.search(ad)
    assert CountingIndex.searched == 1
    live.indexes.search(AdView(ad.submission))
    assert CountingIndex.searched == 2


@pytest.fixture
def measured() -> Iterator[None]:
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_a_dropped_bundle_is_gone_at_once(live: Bundle) -> None:
    """No cache and no circle holds it: a worker that swaps all day keeps one bundle, without the collector's help."""
    gone = compile_bundle(change("default.yaml", b"action: reject", b"action: review"))
    gone.strategy_of(("GB", "x", "y"), NOW).evaluate_rules([AdView(Submission.model_validate(make_ad()))], None, NOW)
    watched = [weakref.ref(part) for part in (gone, gone.strategies[0], gone.indexes.terms, gone.layers[0])]
    gc.disable()
    try:
        del gone
        assert [ref() for ref in watched] == [None] * len(watched)
    finally:
        gc.enable()
    assert live.strategies


@pytest.mark.usefixtures("measured")
def test_swapping_over_and_over_takes_no_more_memory() -> None:
    """Each bundle lets go of what it took from the last one and does not need."""
    files = {**SMALL, "lists/hosts/many.txt": b"\n".join(b"host-%d.example" % n for n in range(5_000))}
    bundle = compile_bundle(files)
    sizes = []
    for turn in range(8):
        files |= {"lists/terms/casino.txt": b"casino\nword%d\n" % turn, "rules/a.yaml": b"rules: [] # %d\n" % turn}
        bundle = compile_bundle(files, reuse=bundle)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    assert sizes[-1] - sizes[2] < MEGABYTE / 4
