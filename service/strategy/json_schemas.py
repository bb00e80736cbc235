"""Renders the shapes of a bundle's YAML files as JSON Schemas, by which editors complete and check while one writes.

An editor finds them by a first line such as `# yaml-language-server: $schema=../schemas/strategy.schema.json`.
"""

import json
from typing import Any

from iso3166 import countries_by_alpha2
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from service.contracts.submission import Submission
from service.rules.facts import FACTS
from service.strategy.expectations import TestsFile
from service.strategy.scalars import ANY
from service.strategy.schema import BundleFile, RuleFile, StrategyFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("strategy", StrategyFile),
    ("strategy-bundle", BundleFile),
    ("strategy-rules", RuleFile),
    ("strategy-tests", TestsFile),
)
_PARTIAL = "PartialSubmission"


class _EditorSchema(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes up from names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's signature
        """Return False: a field's name is title enough."""
        return False


def render_strategy_schemas() -> dict[str, str]:
    """Return the JSON Schema of each kind of YAML file of a bundle, as text by file name."""
    return {f"{name}.schema.json": _render(name, model) for name, model in _FILES}


def _render(name: str, model: type[BaseModel]) -> str:
    schema = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_EditorSchema)
    definitions = schema.pop("$defs", {})
    if "TestEntry" in definitions:
        definitions |= _describe_partial_submission()
        field = definitions["TestEntry"]["properties"]["ad"]
        definitions["TestEntry"]["properties"]["ad"] = {
            "$ref": f"#/$defs/{_PARTIAL}",
            "description": field["description"],
        }
    if "RuleEntry" in definitions:
        when = definitions["RuleEntry"]["properties"]["when"]
        when["description"] = f"{when['description']} Variables: {', '.join(FACTS)}."
    if "Scope" in definitions:
        _list_markets(definitions["Scope"]["properties"]["market"])
    head = {
        "$schema": DIALECT,
        "$id": f"urn:sluice:file:v1:{name}",
        "title": schema.pop("title"),
        "description": schema.pop("description"),
    }
    return json.dumps({**head, **schema, "$defs": definitions}, indent=2, ensure_ascii=False) + "\n"


def _list_markets(field: dict[str, Any]) -> None:
    codes = {"type": "string", "enum": [ANY, *sorted(countries_by_alpha2)]}
    one, several = field["anyOf"]
    one.update(codes)
    several["items"] = codes


def _describe_partial_submission() -> dict[str, Any]:
    """Return a submission of which every field may be left out, with what it is made of."""
    schema = Submission.model_json_schema(mode="validation", schema_generator=_EditorSchema)
    definitions = {**schema.pop("$defs", {}), _PARTIAL: schema}
    for definition in definitions.values():
        definition.pop("required", None)
        if "properties" in definition:
            definition["additionalProperties"] = False
    return definitions
