"""The published shapes of a backtest's files are those of what it writes and reads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from service.backtest.json_schemas import render_backtest_schemas
from service.backtest.verdicts import Verdicts
from tests.unit.backtest.conftest import make_contest, mix
from tests.unit.backtest.test_page import make_report

ROOT = Path(__file__).resolve().parents[3]


def _validate(name: str, instance: Any) -> None:  # noqa: ANN401 - any JSON value
    schema = json.loads(render_backtest_schemas()[f"{name}.schema.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(instance)


def test_a_report_has_the_published_shape(judge_verdicts: Callable[..., Verdicts]) -> None:
    """With and without a baseline; an unknown field would not have it."""
    verdicts = judge_verdicts({"ad_id": "ad-1", "violates": True})
    for compared in (True, False):
        report = json.loads(make_report(mix(60), make_contest(verdicts, compared=compared)).model_dump_json())
        _validate("backtest-report", report)
    with pytest.raises(jsonschema.ValidationError):
        _validate("backtest-report", {**report, "surprise": 1})


def test_the_shipped_gate_and_a_verdict_have_theirs() -> None:
    """An editor would accept what Sluice reads, and mark what it refuses."""
    gate = YAML(typ="safe").load((ROOT / "deploy" / "gate.yaml").read_text(encoding="utf-8"))
    _validate("backtest-gate", gate)
    _validate("backtest-verdict", {"ad_id": "ad-1", "revision": 1, "violates": True, "policies": ["gambling"]})
    with pytest.raises(jsonschema.ValidationError):
        _validate("backtest-gate", {**gate, "rules": [{**gate["rules"][0], "measure": "overkill"}]})
    with pytest.raises(jsonschema.ValidationError):
        _validate("backtest-verdict", {"ad_id": "ad-1"})
