"""Tells which ads two bundles must judge alike, so that a shadow need not judge them twice.

A strategist's change touches a list, a threshold, a market: most ads meet the same rules, thresholds and policies in
both bundles, and the same entries of their lists. A ruling depends on these, the ad, its scores, the time and the
emergency blocks alone, and the last four are shared by both. Whatever is not certainly alike counts as different.
"""

from weakref import WeakKeyDictionary

from service.answer import LiveBundle
from service.rules import AdView
from service.strategy import CompiledStrategy

# Weak, so that a bundle that was replaced can leave memory; asked by one thread.
_known: WeakKeyDictionary[CompiledStrategy, WeakKeyDictionary[CompiledStrategy, bool]] = WeakKeyDictionary()


def must_judge_alike(ad: AdView, one: CompiledStrategy, other: CompiledStrategy) -> bool:
    """Tell whether two strategies certainly give the ad the same ruling, from the same scores at the same time."""
    return _are_alike(one, other) and one.rule_set.search(ad) == other.rule_set.search(ad)


def share_policies(one: LiveBundle, other: LiveBundle) -> bool:
    """Tell whether two bundles know the same policies and wait as long for a review of what failed."""
    ours, theirs = one.strategies, other.strategies
    return (
        one.classifier is other.classifier
        and ours.failure_sla_minutes == theirs.failure_sla_minutes
        and ours.policies.keys() == theirs.policies.keys()
    )


def _are_alike(one: CompiledStrategy, other: CompiledStrategy) -> bool:
    answers = _known.get(one)
    if answers is None:
        answers = _known[one] = WeakKeyDictionary()
    alike = answers.get(other)
    if alike is None:
        alike = answers[other] = (
            one.rule_set.rules == other.rule_set.rules
            and dict(one.thresholds) == dict(other.thresholds)
            and dict(one.policies) == dict(other.policies)
        )
    return alike
