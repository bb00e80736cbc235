import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from service.contracts.decision import Outcome
from service.release import guard_rail
from service.release.guard_rail import ArmOutcome, GuardLimits, GuardMargins, GuardRail, PairedOutcome, RolloutBreach

MARGINS = GuardMargins(reject_share=0.02, review_share=0.05, approve_share=0.05, failures=0.01)
LIMITS = GuardLimits(MARGINS, alpha=0.001, window_s=3_600, workers=12)
APPROVES = ArmOutcome(Outcome.APPROVE, failed=False)
REJECTS = ArmOutcome(Outcome.REJECT, failed=False)
REVIEWS = ArmOutcome(Outcome.REVIEW, failed=False)
BREAKS = ArmOutcome(None, failed=True)


def make_pairs(live: ArmOutcome, candidate: ArmOutcome, count: int, start: int = 0) -> list[PairedOutcome]:
    return [PairedOutcome(f"adv-{number}", live, candidate) for number in range(start, start + count)]


def find_stop(guard: GuardRail, pairs: list[PairedOutcome], now_s: float = 0.0) -> tuple[int, RolloutBreach | None]:
    """Look after every pair; return after how many the rollout was stopped."""
    for number, pair in enumerate(pairs, 1):
        if (breach := guard.observe([pair], now_s)) is not None:
            return number, breach
    return len(pairs), None


@pytest.mark.parametrize(
    ("live", "candidate", "cause", "most"),
    [
        (APPROVES, REJECTS, "reject_share", 25),
        (APPROVES, REVIEWS, "review_share", 25),
        (REJECTS, APPROVES, "approve_share", 25),
        (APPROVES, BREAKS, "failures", 25),
        (APPROVES, ArmOutcome(Outcome.APPROVE, failed=True), "failures", 25),
    ],
)
def test_a_candidate_gone_wild_is_stopped_within_a_few_ads(
    live: ArmOutcome, candidate: ArmOutcome, cause: str, most: int
) -> None:
    """Each guard by itself, at the level that ships."""
    stopped, breach = find_stop(GuardRail(LIMITS), make_pairs(live, candidate, 100))
    assert breach is not None
    assert (breach.cause, stopped <= most) == (cause, True), stopped


def test_the_message_says_what_was_measured_and_what_to_do() -> None:
    """Whoever is paged at night reads this first."""
    _, breach = find_stop(GuardRail(LIMITS), make_pairs(APPROVES, REJECTS, 100))
    assert breach is not None
    for part in (
        "advertisers, one ad each, the candidate rejects 2",
        "and live 0: the shares differ by more than 2.0% of all",
        "raise SLUICE_ROLLOUT_GUARD_REJECT_MARGIN first",
    ):
        assert part in breach.message


def draw_pairs(seed: int, worse: float, better: float, count: int) -> Iterator[PairedOutcome]:
    for number, drawn in enumerate(np.random.default_rng(seed).random(count)):
        live = REJECTS if drawn > 1 - better else APPROVES
        candidate = REJECTS if drawn < worse else APPROVES
        yield PairedOutcome(f"adv-{number}", live, candidate)


def test_a_point_more_within_a_margin_of_two_goes_on() -> None:
    """20,000 advertisers in ten windows, looked at after every 50."""
    guard = GuardRail(LIMITS)
    pairs = draw_pairs(7, 0.03, 0.02, 20_000)
    for number in range(400):
        assert guard.observe(itertools.islice(pairs, 50), number * 90.0) is None


def test_one_advertiser_counts_once_a_window() -> None:
    """A million ads of one advertiser, all of them rejected by the candidate alone, stop nothing."""
    guard = GuardRail(LIMITS)
    one = make_pairs(APPROVES, REJECTS, 1) * 10_000
    assert guard.observe(one, 0.0) is None
    before = guard.measure_evidence()
    assert guard.observe(one, 3_599.0) is None
    assert guard.measure_evidence() == before


def test_a_window_begins_anew_and_has_a_smaller_part_of_the_level() -> None:
    """What was counted before is forgotten, advertisers count again, and more evidence is asked for."""
    first, breach = find_stop(GuardRail(LIMITS), make_pairs(APPROVES, REJECTS, 100))
    assert breach is not None
    guard = GuardRail(LIMITS)
    assert guard.observe(make_pairs(APPROVES, REJECTS, first - 1), 0.0) is None
    for window in range(1, 6):
        stopped, breach = find_stop(guard, make_pairs(APPROVES, REJECTS, first - 1), window * 3_600.0)
        assert (stopped, breach) == (first - 1, None), "one short of the first window's number is never enough"
    stopped, breach = find_stop(guard, make_pairs(APPROVES, REJECTS, 100), 7 * 3_600.0)
    assert breach is not None
    assert first < stopped < first + 12


def test_a_window_ends_with_its_most_advertisers(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory stays bounded however many advertisers there are."""
    monkeypatch.setattr(guard_rail, "MOST_ADVERTISERS", 10)
    guard = GuardRail(LIMITS)
    for start in range(0, 1_000, 10):
        assert guard.observe(make_pairs(APPROVES, REJECTS, 10, start), 0.0) is None


def test_more_workers_ask_for_more_evidence() -> None:
    """The level is shared among those that test."""
    alone, _ = find_stop(GuardRail(GuardLimits(MARGINS, 0.001, 3_600, workers=1)), make_pairs(APPROVES, REJECTS, 100))
    many, _ = find_stop(GuardRail(GuardLimits(MARGINS, 0.001, 3_600, workers=48)), make_pairs(APPROVES, REJECTS, 100))
    assert alone < many < alone + 12


def test_without_pairs_there_is_no_evidence() -> None:
    """A rollout that has just begun."""
    guard = GuardRail(LIMITS)
    assert guard.observe([], 0.0) is None
    assert set(guard.measure_evidence().values()) == {0.0}
