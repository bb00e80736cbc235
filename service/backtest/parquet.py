"""Reads ads from a Parquet file, row by row, as the JSON that a topic would hold: one reader then judges both.

Either one column `submission` holds the JSON, or the columns are named as a submission's fields, nested ones as structs
(`creative`) or with dots (`creative.headline`); nulls count as fields that were not sent. Needs the extra `parquet`.
"""

import json
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.backtest.ads import AdRecord, AdsError

JSON_COLUMN = "submission"
_BATCH_ROWS = 2_048
_REMEDY = "pyarrow is not installed; run `pip install 'sluice-moderation[parquet]'`, or convert it to JSON Lines"


def count_rows(path: Path) -> int:
    """Return how many rows the file says that it has. Raises AdsError."""
    rows: int = _open(path).metadata.num_rows
    return rows


def read_parquet(path: Path) -> Generator[AdRecord]:
    """Yield the rows as ads, in order; `offset` is the row's number from 0. Raises AdsError."""
    file = _open(path)
    names = file.schema_arrow.names
    if JSON_COLUMN not in names and "ad_id" not in names:
        told = ", ".join(names[:20])
        text = f"has neither a column '{JSON_COLUMN}' with JSON nor one 'ad_id'; its columns are {told}"
        raise AdsError(f"{path}: {text}; name the columns as the fields of a submission")
    number = 0
    try:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            for row in batch.to_pylist():
                yield AdRecord(_write(row), "file", 0, number)
                number += 1
    except (OSError, ValueError) as error:
        raise AdsError(f"{path}: row {number}: {str(error).splitlines()[0]}; write the file again") from error


def _open(path: Path) -> Any:  # noqa: ANN401 - pyarrow is untyped, and optional
    try:
        from pyarrow import parquet  # noqa: PLC0415 - optional, and large
    except ImportError:
        raise AdsError(f"{path}: {_REMEDY}") from None
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are subclasses
        raise AdsError(f"{path}: cannot be read as Parquet: {str(error).splitlines()[0]}") from None


def _write(row: Mapping[str, Any]) -> bytes | None:
    if JSON_COLUMN in row:
        value = row[JSON_COLUMN]
        return value.encode() if isinstance(value, str) else value
    fields: dict[str, Any] = {}
    for name, value in row.items():
        *parents, last = name.split(".")
        inner = fields
        for parent in parents:
            inner = inner.setdefault(parent, {})
        if value is not None:
            inner[last] = _plain(value)
    return json.dumps(fields, ensure_ascii=False, allow_nan=True).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:  # noqa: ANN401 - Parquet holds anything
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, datetime):
        # A column of times without a zone is in UTC: that is how tools write them.
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, list) and value and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):  # noqa: PLR2004
        return {name: _plain(inner) for name, inner in value}  # a Parquet map
    return value if isinstance(value, str | int | float | bool | list | None) else str(value)
