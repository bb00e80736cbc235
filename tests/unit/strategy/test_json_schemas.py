"""The JSON Schemas by which editors complete: they take what Sluice takes, and refuse what it refuses."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from service.shipped import shipped_path
from service.strategy.documents import Document, plain, read_yaml
from service.strategy.json_schemas import DIALECT, render_strategy_schemas
from tests.unit.strategy.conftest import BUNDLE, STRATEGY

SCHEMAS = {name.removesuffix(".schema.json"): json.loads(text) for name, text in render_strategy_schemas().items()}
TEST = "tests: [{name: a, expect: {outcome: approve}, ad: {}}]\n"
SHIPPED = shipped_path("deploy/strategies")


def read(content: str | bytes) -> Any:  # noqa: ANN401 - YAML holds anything
    document = read_yaml(content.encode() if isinstance(content, str) else content, "x.yaml")
    assert isinstance(document, Document)
    return plain(document.content)


def find_faults(schema: str, content: str | bytes) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMAS[schema])
    return [error.message for error in validator.iter_errors(read(content))]


def name_schema(path: Path) -> str:
    return {"rules": "strategy-rules", "tests": "strategy-tests"}.get(
        path.parent.name, "strategy-bundle" if path.name == "bundle.yaml" else "strategy"
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_schema(name: str) -> None:
    """Valid against the dialect, with a description of every field: it is what an editor shows."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == DIALECT
    for definition in (SCHEMAS[name], *SCHEMAS[name]["$defs"].values()):
        for field, schema in definition.get("properties", {}).items():
            assert {"description", "$ref"} & schema.keys(), field


@pytest.mark.parametrize("path", sorted(SHIPPED.rglob("*.yaml")), ids=lambda path: path.name)
def test_what_ships_is_taken(path: Path) -> None:
    """Every shipped file is as its schema says, and asks editors for that schema."""
    schema, content = name_schema(path), path.read_bytes()
    assert find_faults(schema, content) == []
    up = "../" * len(path.relative_to(SHIPPED).parts)
    assert content.startswith(f"# yaml-language-server: $schema={up}schemas/{schema}.schema.json\n".encode())


@pytest.mark.parametrize(
    ("schema", "content", "old", "new"),
    [
        ("strategy", STRATEGY, "owner: team", "ownr: team"),
        ("strategy", STRATEGY, "action: reject", "action: ban"),
        ("strategy", STRATEGY, "approve_below: 0.4", "approve_below: 4"),
        ("strategy", STRATEGY, "market: any", "market: UK"),
        ("strategy", STRATEGY, "policy: gambling", "policy: Gambling!"),
        ("strategy", STRATEGY + TEST, "ad: {}", "ad: {markt: DE}"),
        ("strategy-bundle", BUNDLE, "harm_weight: 2.0", "harm_weight: high"),
    ],
)  # fmt: skip
def test_mistakes_are_refused_while_one_writes(schema: str, content: str, old: str, new: str) -> None:
    """The file is fine, and the mistake in it is not."""
    assert old in content
    assert find_faults(schema, content) == []
    assert find_faults(schema, content.replace(old, new, 1))
