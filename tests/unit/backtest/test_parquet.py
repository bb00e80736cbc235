"""Rows of a Parquet file are the same ads as lines of JSON."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from service.backtest.ads import AdsError
from service.backtest.deciding import read_record
from service.backtest.parquet import count_rows, read_parquet
from service.contracts.submission import Submission
from tests.ads import make_ad

ADS = [make_ad(f"ad-{number}", language=None if number == 1 else "en") for number in range(3)]


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def _read(path: Path) -> list[Submission]:
    return [read_record(record).submission for record in read_parquet(path)]


def test_a_column_of_json_holds_ads(tmp_path: Path) -> None:
    """As text or as bytes."""
    expected = [Submission.model_validate(ad) for ad in ADS]
    for name, encode in (("text", json.dumps), ("bytes", lambda ad: json.dumps(ad).encode())):
        path = _write(tmp_path / f"{name}.parquet", [{"submission": encode(ad), "day": 1} for ad in ADS])
        assert _read(path) == expected
        assert count_rows(path) == 3


def test_columns_may_be_the_fields(tmp_path: Path) -> None:
    """Nested ones as structs; a null is a field that was not sent; times without a zone are UTC."""
    rows = [{**ad, "submitted_at": datetime(2026, 1, 31, 9, 30, tzinfo=UTC)} for ad in ADS]
    assert _read(_write(tmp_path / "zoned.parquet", rows)) == [Submission.model_validate(ad) for ad in ADS]
    bare = [{**row, "submitted_at": datetime(2026, 1, 31, 9, 30)} for row in rows]  # noqa: DTZ001 - as tools write them
    assert _read(_write(tmp_path / "bare.parquet", bare)) == [Submission.model_validate(ad) for ad in ADS]


def test_columns_may_be_named_with_dots_and_attributes_be_a_map(tmp_path: Path) -> None:
    """As flat tables of a warehouse are."""
    flat = {
        "schema_version": 1, "ad_id": "ad-1", "revision": 1, "submitted_at": "2026-01-31T09:30:00Z",
        "vertical": "retail", "market": "DE", "product": "feed", "advertiser.id": "a", "advertiser.country": None,
        "creative.headline": "Hello",
        "attributes": [("size", "42"), ("colour", None)],
    }  # fmt: skip
    schema = pa.schema(
        [
            (name, pa.int64() if isinstance(value, int) else pa.string())
            for name, value in flat.items()
            if name != "attributes"
        ]
        + [("attributes", pa.map_(pa.string(), pa.string()))]
    )
    (ad,) = _read(_write(tmp_path / "flat.parquet", [flat], schema))
    assert (ad.creative.headline, ad.advertiser.country, ad.attributes) == (
        "Hello",
        None,
        {"size": "42", "colour": None},
    )


def test_a_row_that_is_no_ad_is_an_unreadable_ad(tmp_path: Path) -> None:
    """It goes the way of a line that is none."""
    (record,) = read_parquet(_write(tmp_path / "odd.parquet", [{"ad_id": "a", "score": 0.5}]))
    assert json.loads(record.value or b"") == {"ad_id": "a", "score": 0.5}


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """No Parquet, other columns, no file."""
    text = tmp_path / "text.parquet"
    text.write_text("hello")
    other = _write(tmp_path / "other.parquet", [{"id": 1}])
    for path, told in (
        (text, "cannot be read as Parquet"),
        (other, "its columns are id"),
        (tmp_path / "x", "cannot be"),
    ):
        with pytest.raises(AdsError, match=told):
            list(read_parquet(path))


def test_without_pyarrow_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra that the image does not have."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AdsError, match=r"pip install 'sluice-moderation\[parquet\]'"):
        list(read_parquet(tmp_path / "ads.parquet"))
