"""The slices that an ad belongs to."""

from datetime import timedelta
from typing import Any

import pytest

from service.backtest.dimensions import name_age, name_slices
from service.contracts.submission import Submission
from service.rules import AdView
from tests.ads import make_ad
from tests.unit.backtest.conftest import NOW


def _make(**changes: Any) -> Submission:  # noqa: ANN401 - any JSON value
    return Submission.model_validate(make_ad(**changes))


@pytest.mark.parametrize(
    ("days", "band"),
    [(0, "under 7 days"), (6.9, "under 7 days"), (7, "7 to 29 days"), (30, "30 to 179 days"), (180, "180 to 729 days"),
     (730, "730 days and more"), (-3, "under 7 days")],
)  # fmt: skip
def test_ages_fall_into_bands(days: float, band: str) -> None:
    """A band begins with its first day; who is not born yet is young."""
    created_at = (NOW - timedelta(days=days)).isoformat()
    assert name_age(_make(advertiser={"id": "a", "created_at": created_at}), NOW) == band


def test_an_unknown_age_is_a_band_of_its_own() -> None:
    """Nobody said when the account was opened."""
    assert name_age(_make(advertiser={"id": "a"}), NOW) == "unknown"


def test_a_language_is_read_or_guessed() -> None:
    """As sent, by its first part; else guessed from the text; else 'und'."""
    sent = _make(language="pt-BR")
    guessed = _make(language=None, creative={"headline": "Самая лучшая обувь для бега по лесу и по дороге"})
    none = _make(language=None, creative={})
    assert [name_slices(AdView(ad), NOW)[3] for ad in (sent, guessed, none)] == ["pt", "ru", "und"]
    assert name_slices(AdView(sent), NOW) == ("retail", "DE", "feed", "pt", "730 days and more")
