"""Writes a benchmark down: the table in the terminal, the JSON in `results/`, and `RESULTS.md` from the newest JSON.

`python -m loadtests.report` writes RESULTS.md again without measuring.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from loadtests.judging import Row

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
TABLE = HERE / "RESULTS.md"

_VERDICTS = {True: "met", False: "MISSED", None: ""}


def render_text(rows: Sequence[Row]) -> str:
    """Return the table for a terminal."""
    widths = [max(len(text) for text in column) for column in zip(*map(_cells, rows), strict=True)]
    lines = []
    for section, group in groupby(rows, key=lambda row: row.section):
        lines += ["", section]
        for row in group:
            cells = (cell.ljust(width) for cell, width in zip(_cells(row), widths, strict=True))
            lines.append(f"  {'  '.join(cells)}".rstrip())
    return "\n".join(lines).lstrip("\n")


def render_markdown(result: dict[str, Any]) -> str:
    """Return RESULTS.md for what `save` wrote."""
    rows = [Row(**row) for row in result["rows"]]
    lines = ["# What `make bench` measured", "", *_tell_origin(result), ""]
    lines += [f"- {note}" for note in result["notes"]]
    for section, group in groupby(rows, key=lambda row: row.section):
        lines += ["", f"## {section}", "", "| | target | measured | |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(_cells(row))} |" for row in group]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> tuple[str, str, str, str]:
    return row.what, row.target, row.measured, _VERDICTS[row.met]


def _tell_origin(result: dict[str, Any]) -> list[str]:
    machine, code = result["machine"], result["code"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    commit = f"commit `{code['commit'][:12]}`" if code else "no checkout"
    measured = (
        f"Measured at {result['measured_at']}, {commit}{', with changes on top' if code.get('changed') else ''}, on"
        f" {machine['cores']} cores of {machine['processor']}, {machine['memory_bytes'] / 1e9:.0f} GB,"
        f" {machine['system']}, Python {machine['python']}, Apache Kafka {machine['kafka']}; {versions}."
        f" Load average before the run: {machine['load_1m_before']}."
    )
    return [
        f"Written by `python -m loadtests.report` from `results/{result['name']}.json`; do not edit.",
        "",
        measured,
    ]


def save(result: dict[str, Any], rows: Iterable[Row]) -> Path:
    """Write the result as JSON and RESULTS.md from it; returns the JSON's path."""
    RESULTS.mkdir(exist_ok=True)
    whole = {**result, "rows": [asdict(row) for row in rows]}
    path = RESULTS / f"{result['name']}.json"
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    TABLE.write_text(render_markdown(whole), encoding="utf-8")
    return path


def main() -> None:
    """Write RESULTS.md from the newest result."""
    newest = max(RESULTS.glob("bench-*.json"))
    TABLE.write_text(render_markdown(json.loads(newest.read_text(encoding="utf-8"))), encoding="utf-8")
    print(f"{TABLE} is written from {newest.name}")


if __name__ == "__main__":
    main()
