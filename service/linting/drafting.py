"""Makes a whole submission of the part of an ad that a test gives; what is missing takes ordinary values."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.contracts.submission import Advertiser, Creative, Submission
from service.strategy.problems import suggest
from service.strategy.schema import ANY, Scope

_AGE = "age_days"
_KNOWN_FOR_DAYS = 2_000.0
_FIELDS: Mapping[str, Sequence[str]] = {
    "": [*Submission.model_fields],
    "advertiser": [*Advertiser.model_fields, _AGE],
    "creative": [*Creative.model_fields],
}


class Setting(NamedTuple):
    """Where a test stands: its strategy's scope, and the verticals and products that the bundle knows (if closed)."""

    scope: Scope
    verticals: Sequence[str] = ()
    products: Sequence[str] = ()


class DraftError(ValueError):
    """The ad of a test is none; the text says why."""


def draft_submission(ad: Mapping[str, Any], setting: Setting, as_of: datetime) -> Submission:
    """Return the submission that `ad` is a part of. Raises DraftError.

    Left out are taken: the scope's first value (of `any`: GB, retail, feed), and a standard advertiser from that
    market, known for years, whose page is the one that is shown. `advertiser.age_days` stands for a `created_at`.
    """
    market = ad.get("market", _take_first(setting.scope.market, (), "GB"))
    advertiser = {**_part(ad, "advertiser")}
    age_days = advertiser.pop(_AGE, _KNOWN_FOR_DAYS)
    if not isinstance(age_days, int | float) or isinstance(age_days, bool):
        raise DraftError("advertiser.age_days is no number")
    fields = {
        "schema_version": 1,
        "ad_id": "test",
        "revision": 0,
        "submitted_at": as_of.isoformat(),
        "vertical": _take_first(setting.scope.vertical, setting.verticals, "retail"),
        "product": _take_first(setting.scope.product, setting.products, "feed"),
        "market": market,
        **ad,
        "advertiser": {
            "id": "test-advertiser",
            "country": market,
            "created_at": (as_of - timedelta(days=age_days)).isoformat(),
            "trust_tier": "standard",
            **advertiser,
        },
        "creative": {
            "display_url": "shop.example",
            "landing_url": "https://www.shop.example/",
            **_part(ad, "creative"),
        },
    }
    return _read(fields)


def _part(ad: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = ad.get(name, {})
    if not isinstance(part, Mapping):
        raise DraftError(f"{name} is no mapping of fields")
    return part


def _take_first(scope: Sequence[str], known: Sequence[str], ordinary: str) -> str:
    if ANY not in scope:
        return scope[0]
    return ordinary if ordinary in known or not known else known[0]


def _read(fields: Mapping[str, Any]) -> Submission:
    try:
        submission, unknown = read_submission(json.dumps(fields, default=str).encode())
    except (UnreadableSubmissionError, ValueError) as error:
        raise DraftError(f"the ad is no submission: {error}") from error
    if unknown:
        part, _, name = unknown[0].rpartition(".")
        raise DraftError(f"the ad has an unknown field '{unknown[0]}': {suggest(name, _FIELDS.get(part, []))}")
    return submission
