"""The most telling ads are the same ones, however they come in."""

import random
from collections.abc import Callable

from service.backtest.ads import AdRecord
from service.backtest.deciding import decide_block
from service.backtest.shortlist import LENGTH, Rank, Shortlist
from service.backtest.verdicts import Verdicts
from tests.unit.backtest.conftest import make_contest, record


def _rank(number: int, harm: float = 1.0, steps: int = 1, *, wrong: bool = False) -> tuple[Rank, AdRecord]:
    place = Rank(not wrong, -steps, -harm, f"ad-{number:03}", 1, 0, number)
    return place, AdRecord(b"", "file", 0, number)


def test_the_order_is_wrong_first_then_steps_then_harm_then_the_id() -> None:
    """In that order."""
    pairs = [_rank(5, harm=9.0), _rank(4), _rank(3), _rank(2, steps=2), _rank(1, harm=0.1, wrong=True)]
    assert [ad.offset for ad in Shortlist(pairs).ads] == [1, 2, 5, 3, 4]


def test_merging_in_any_order_keeps_the_same_ads() -> None:
    """The first twenty of all, whatever block they came in."""
    chance = random.Random(7)  # noqa: S311 - an order, not a secret
    pairs = [_rank(number, harm=chance.choice((0.5, 1.0, 2.0))) for number in range(200)]
    expected = Shortlist(pairs).ads
    assert len(expected) == LENGTH
    for size in (1, 3, 50):
        merged = Shortlist()
        chance.shuffle(pairs)
        for start in range(0, 200, size):
            merged.merge(Shortlist(pairs[start : start + size]))
        assert merged.ads == expected


def test_an_ad_on_which_the_candidate_is_wrong_comes_first(judge_verdicts: Callable[..., Verdicts]) -> None:
    """Poker is rejected by the candidate; one of the two poker ads is clean, as a person found."""
    verdicts = judge_verdicts({"ad_id": "ad-2", "violates": False})
    tally = decide_block([record("poker", 1), record("poker", 2)], make_contest(verdicts))
    assert [ad.offset for ad in tally.stricter.ads] == [2, 1]
