"""Renders the shapes of a backtest's files as JSON Schemas: the report for its readers, the gate for editors."""

import json
from typing import Any

from pydantic import BaseModel

from service.backtest.gate_file import Gate
from service.backtest.report import Report
from service.backtest.reproduction import Reproduction
from service.backtest.verdicts import VerdictLine

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILES: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("backtest-report", Report, "What `sluice backtest --json` writes."),
    ("backtest-gate", Gate, "What `sluice backtest --gate` reads."),
    ("backtest-verdict", VerdictLine, "A line of what `sluice backtest --verdicts` reads."),
    ("backtest-reproduction", Reproduction, "What `sluice reproduce --json` writes."),
)


def render_backtest_schemas() -> dict[str, str]:
    """Return the JSON Schema of each file that a backtest reads or writes, as text by file name."""
    return {f"{name}.schema.json": _render(model, about) for name, model, about in _FILES}


def _render(model: type[BaseModel], about: str) -> str:
    schema: dict[str, Any] = {"$schema": DIALECT, **model.model_json_schema(), "description": about}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
