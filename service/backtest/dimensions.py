"""The slices that a backtest looks at: which dimensions, and an ad's value in each."""

from datetime import datetime, timedelta

from service.contracts.submission import Submission
from service.rules import AdView

ALL = "all"
DIMENSIONS = ("vertical", "market", "product", "language", "advertiser_age")
MAX_VALUES = 1_000
"""Values of a dimension that are counted apart, in the order in which they are met; the rest is `OTHER`."""
OTHER = "(other)"

UNKNOWN_AGE = "unknown"
_AGE_BANDS = (
    (timedelta(days=7), "under 7 days"),
    (timedelta(days=30), "7 to 29 days"),
    (timedelta(days=180), "30 to 179 days"),
    (timedelta(days=730), "180 to 729 days"),
)
_OLDEST = "730 days and more"
AGE_BANDS = (*(name for _, name in _AGE_BANDS), _OLDEST, UNKNOWN_AGE)


def name_slices(ad: AdView, as_of: datetime) -> tuple[str, ...]:
    """Return the ad's value in each of `DIMENSIONS`; a language is guessed where the ad does not name it."""
    submission, language = ad.submission, ad.language or "und"
    return submission.vertical, submission.market, submission.product, language, name_age(submission, as_of)


def name_age(submission: Submission, as_of: datetime) -> str:
    """Return the band of the advertiser's age at that time."""
    created_at = submission.advertiser.created_at
    if created_at is None:
        return UNKNOWN_AGE
    age = as_of - created_at
    return next((name for limit, name in _AGE_BANDS if age < limit), _OLDEST)
