"""Bundles and ads for tests of backtests: two bundles that differ by their thresholds, ads with every outcome."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.answer import LiveBundle
from service.backtest.ads import AdRecord
from service.backtest.contest import Contest
from service.backtest.verdicts import Verdicts, no_verdicts, read_verdicts
from service.strategy import compile_bundle
from tests.ads import make_ad
from tests.moderating import LABELS, SMALL_BUNDLE, SMALL_STRATEGY, make_classifier

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
SCORES = {"lottery": (0.95, 0.0), "poker": (0.6, 0.0), "bingo": (0.45, 0.0), "riches": (0.1, 0.85)}
"""Words that the classifier of these tests knows, with their scores for gambling and for scams."""


def make_files(strategy: str = SMALL_STRATEGY) -> dict[str, bytes]:
    """Return the small bundle's files."""
    return {
        "bundle.yaml": SMALL_BUNDLE.encode(),
        "default.yaml": strategy.encode(),
        "lists/terms/casino.txt": b"casino\n",
    }


STRICT_STRATEGY = SMALL_STRATEGY.replace(
    "{approve_below: 0.4, reject_above: 0.9}", "{approve_below: 0.3, reject_above: 0.5}"
)
"""Rejects poker, which the small bundle only reviews."""


def make_bundle(strategy: str = SMALL_STRATEGY) -> LiveBundle:
    """Return the small bundle with a classifier that knows `SCORES`."""
    return LiveBundle(compile_bundle(make_files(strategy)), make_classifier(SCORES, labels=LABELS))


@pytest.fixture
def judge_verdicts(tmp_path: Path) -> Callable[..., Verdicts]:
    """Return a function that reads verdicts written as JSON objects."""

    def read(*lines: dict[str, Any]) -> Verdicts:
        path = tmp_path / "verdicts.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return read_verdicts(path)

    return read


def make_contest(verdicts: Verdicts | None = None, *, compared: bool = True, as_of: datetime | None = None) -> Contest:
    """Return the strict bundle against the small one."""
    baseline = make_bundle() if compared else None
    return Contest(make_bundle(STRICT_STRATEGY), baseline, verdicts or no_verdicts(), as_of)


def record(headline: str, number: int = 0, **changes: Any) -> AdRecord:  # noqa: ANN401 - any JSON value
    """Return an ad as a line of a file; its id is `ad-NUMBER`."""
    ad = make_ad(f"ad-{number}", **{"creative": {"headline": headline}, **changes})
    return AdRecord(json.dumps(ad).encode(), "file", 0, number)


def mix(count: int) -> list[AdRecord]:
    """Return many ads: clean ones, some of every kind of hit, and some that cannot be read."""
    headlines: Sequence[str] = ("shoes", "a lottery", "poker night", "bingo", "casino", "riches", "shoes and more")
    markets, verticals = ("DE", "GB", "US"), ("retail", "games")
    ads = [
        record(
            f"{headlines[number % 7]} {number}", number, market=markets[number % 3], vertical=verticals[number % 2],
            submitted_at=f"2026-01-{1 + number % 28:02}T{number % 24:02}:00:00Z",
        )
        for number in range(count)
    ]  # fmt: skip
    return [one._replace(value=b"{oops") if one.offset % 11 == 5 else one for one in ads]
