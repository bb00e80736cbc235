"""Submissions for tests: valid ones to vary, and a stream of mixed ones."""

import json
from collections.abc import Iterator
from typing import Any

CLEAN = {"headline": "Running shoes for every trail", "body": "Free returns within 30 days. Sizes 36 to 48."}
UNCERTAIN_URL = "ht!tp://no-browser-opens this"


def make_ad(ad_id: str = "ad-1", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return a valid submission as JSON fields; `changes` replace top-level fields."""
    return {
        "schema_version": 1,
        "ad_id": ad_id,
        "revision": 1,
        "submitted_at": "2026-01-31T09:30:00Z",
        "advertiser": {
            "id": "adv-7", "country": "DE", "created_at": "2021-05-04T00:00:00Z", "trust_tier": "standard",
        },
        "vertical": "retail",
        "market": "DE",
        "product": "feed",
        "language": "en",
        "creative": {
            **CLEAN,
            "call_to_action": "Shop now",
            "display_url": "shop.example",
            "landing_url": "https://www.shop.example/shoes?size=42",
        },
        "attributes": {"discount_pct": 20.0},
        **changes,
    }  # fmt: skip


def encode_ad(ad: dict[str, Any]) -> bytes:
    """Return the record value of a submission."""
    return json.dumps(ad).encode()


def make_uncertain(ad_id: str) -> dict[str, Any]:
    """Return a submission that the shipped strategy sends to review: no browser opens its landing page."""
    ad = make_ad(ad_id)
    return {**ad, "creative": {**ad["creative"], "landing_url": UNCERTAIN_URL}}


def stream_ads(count: int, prefix: str = "ad") -> Iterator[tuple[bytes, bytes]]:
    """Yield (key, value): of every ten, seven clean ads, two uncertain ones and one that cannot be read."""
    for number in range(count):
        ad_id = f"{prefix}-{number:06d}"
        match number % 10:
            case 3 | 7:
                value = encode_ad(make_uncertain(ad_id))
            case 5:
                value = b'{"schema_version": 1, "ad_id": "' + ad_id.encode()
            case _:
                value = encode_ad(make_ad(ad_id))
        yield ad_id.encode(), value
