import gc
import weakref
from pathlib import Path

import pytest

from loadtests.ads import DEMO, REALISTIC, make_records
from service.answer import LiveBundle, Received
from service.contracts.decision import Origin
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.deployment import Deployment
from service.moderate import PendingPairs, moderate_deployed
from service.moderate.judging import Grounds, judge_ad
from service.moderate.likeness import must_judge_alike, share_policies
from service.rules import AdView
from service.settings import load_settings
from service.strategy import compile_bundle, read_folder
from tests.moderating import NOW, load_shipped, make_classifier, make_small_bundle, say

CLASSIFIER = make_classifier({"maybe": (0.5, 0.0)})


def read_ads() -> list[Received]:
    """Return ads as they come, harmless and not, of every vertical."""
    ads = []
    for mix in (DEMO, REALISTIC):
        for offset, (_, value) in enumerate(make_records(300, NOW, mix, seed=11)):
            try:
                ads.append(Received(read_submission(value)[0], Origin(topic="t", partition=0, offset=offset), NOW))
            except UnreadableSubmissionError:
                continue
    return ads


def change_shipped(file: str, old: str, new: str) -> LiveBundle:
    files = read_folder(load_settings({}).strategies_dir)
    assert old.encode() in files[file]
    files[file] = files[file].replace(old.encode(), new.encode(), 1)
    live = load_shipped()
    return live._replace(strategies=compile_bundle(files, reuse=live.strategies))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("lists/terms/gambling.txt", "casino", "casino\nrunning shoes\nfree delivery"),
        ("default.yaml", "approve_below: 0.40", "approve_below: 0.20"),
        ("adult.yaml", "action: reject", "action: review"),
        ("bundle.yaml", "harm_weight: 3.0", "harm_weight: 2.0"),
    ],
)
def test_what_is_taken_over_is_what_judging_again_would_give(file: str, old: str, new: str) -> None:
    """The shipped bundle against a list, a threshold, rules and policies that were changed: all ads, both ways."""
    live, candidate = load_shipped(), change_shipped(file, old, new)
    for first, second in ((live, candidate), (candidate, live)):
        pairs = moderate_deployed(read_ads(), Deployment(first, second), NOW).pairs
        assert pairs is not None
        found = [(p.candidate.strategy, p.candidate.ruling, p.candidate.failed_rules) for p in pairs.evaluate()]
        assert found == judge_again(pairs, second)


def judge_again(pairs: PendingPairs, bundle: LiveBundle) -> list[tuple[object, ...]]:
    """Return what a bundle makes of each ad when nothing is taken over."""
    judged = [
        judge_ad(item.decided.received, AdView(item.ad.submission), item.scored, Grounds(bundle, NOW))
        for item in pairs.items
    ]
    return [(one.strategy.id if one.strategy else None, one.ruling, one.failed_rules) for one in judged]


def is_alike(headline: str, live: LiveBundle, other: LiveBundle) -> bool:
    ad = AdView(say(headline).submission)
    one, another = (bundle.strategies.strategy_for(ad.submission, NOW) for bundle in (live, other))
    return must_judge_alike(ad, one, another) and share_policies(live, other)


def test_equal_files_judge_alike_and_any_change_that_matters_does_not(tmp_path: Path) -> None:
    """Thresholds, policies, rules, and the time that a failure may wait; a version alone matters to no ruling."""
    live = make_small_bundle(tmp_path / "live", CLASSIFIER)
    assert is_alike("maybe", live, make_small_bundle(tmp_path / "version", CLASSIFIER, ('"7"', '"8"')))
    changes = {
        "threshold": ("approve_below: 0.4", "approve_below: 0.3"),
        "policy": ("harm_weight: 2.0", "harm_weight: 2.5"),
        "message": ("Remove false promises.", "Tell the truth."),
        "rule": ("> 80.0", "> 70.0"),
        "wait": ("failure_sla_minutes: 240", "failure_sla_minutes: 120"),
    }
    for name, change in changes.items():
        assert not is_alike("maybe", live, make_small_bundle(tmp_path / name, CLASSIFIER, change)), name
    assert not is_alike("maybe", live, make_small_bundle(tmp_path / "model", make_classifier()))


def test_a_list_that_changed_matters_to_the_ads_that_it_hits(tmp_path: Path) -> None:
    """And to no other ad."""
    live = make_small_bundle(tmp_path / "live", CLASSIFIER)
    files = read_folder(tmp_path / "live")
    files["lists/terms/casino.txt"] += b"roulette\n"
    other = live._replace(strategies=compile_bundle(files, reuse=live.strategies))
    assert is_alike("shoes", live, other)
    assert is_alike("casino", live, other)
    assert not is_alike("roulette", live, other)


def test_a_bundle_that_was_compared_can_leave_memory(tmp_path: Path) -> None:
    """What is remembered of it is not held."""
    live = make_small_bundle(tmp_path / "live", CLASSIFIER)
    other = make_small_bundle(tmp_path / "other", CLASSIFIER, ('"7"', '"8"'))
    assert is_alike("shoes", live, other)
    gone = weakref.ref(other.strategies)
    del other
    gc.collect()
    assert gone() is None
