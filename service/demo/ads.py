"""The demo's traffic: ads of several verticals, markets and languages, evasions among them, and broken events."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_ADS = Path(__file__).with_name("ads.jsonl")


def make_records(now: datetime) -> Iterator[tuple[bytes, bytes]]:
    """Yield (key, value) of the whole traffic, as a platform would send it at `now`; broken events between the ads."""
    broken = _make_broken(now)
    for number, line in enumerate(_ADS.read_text(encoding="utf-8").splitlines()):
        ad = _complete(json.loads(line), f"ad-{number + 1:03d}", now)
        yield ad["ad_id"].encode(), _encode(ad)
        if number % 7 == 6 and broken:  # noqa: PLR2004 - spread over the traffic
            yield broken.pop(0)
    yield from broken


def _complete(ad: dict[str, Any], ad_id: str, now: datetime) -> dict[str, Any]:
    created_at = now - timedelta(days=ad["advertiser"].pop("age_days"))
    ad["advertiser"]["created_at"] = created_at.isoformat()
    return {"schema_version": 1, "ad_id": ad_id, "revision": 1, "submitted_at": now.isoformat(), **ad}


def _make_broken(now: datetime) -> list[tuple[bytes, bytes]]:
    fine = _complete(json.loads(_ADS.read_text(encoding="utf-8").splitlines()[0]), "ad-900", now)
    return [
        (b"ad-900", b"\xff\xfe not UTF-8"),
        (b"ad-901", _encode({**fine, "ad_id": "ad-901"})[:200]),
        (b"ad-902", _encode({**fine, "ad_id": "ad-902", "market": "XX"})),
        (b"ad-903", _encode({**fine, "ad_id": "ad-903", "submitted_at": "2026-01-31T09:30:00"})),
        (b"ad-904", b'{"schema_version": 1, "ad_id": "ad-904", "ad_id": "ad-905"}'),
    ]


def _encode(ad: dict[str, Any]) -> bytes:
    return json.dumps(ad, ensure_ascii=False).encode()
