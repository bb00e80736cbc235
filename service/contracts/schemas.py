"""Renders the contracts as JSON Schemas (2020-12): what a platform's own validators and code generators read.

What comes in is rendered as it is validated, what goes out as it is written. `generated` puts the files in place.
"""

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from service.contracts.control import ControlRecord
from service.contracts.dead_letter import CAUSED_BY, CLASS_NAME, CUT_HEADERS_ADDED, HEADERS, CausedBy, Unreadable
from service.contracts.decision import Decision
from service.contracts.ledger import AnyEntry, Envelope
from service.contracts.review_task import ReviewTask
from service.contracts.shadow_decision import ShadowDecision
from service.contracts.submission import Submission
from service.contracts.worker_status import WorkerStatus

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
"""The `schema_version` of the contracts."""

_CONTRACTS: tuple[tuple[str, Any, JsonSchemaMode, str], ...] = (
    ("submission", Submission, "validation", "Value of a record of ads.submissions; its key is ad_id."),
    ("decision", Decision, "serialization", "Value of a record of ads.decisions; its key is ad_id."),
    ("review-task", ReviewTask, "serialization", "Value of a record of ads.review.tasks; its key is ad_id."),
    ("control", ControlRecord, "serialization", "Value of a record of ads.moderation.control."),
    ("ledger-envelope", Envelope, "serialization", "Value of a ledger or proposal record of ads.strategies."),
    ("ledger-entry", AnyEntry, "serialization", "What an envelope of ads.strategies holds as text, and is signed."),
    ("worker-status", WorkerStatus, "serialization", "Value of a record of ads.strategies.status."),
    ("shadow-decision", ShadowDecision, "serialization", "Value of a record of ads.decisions.shadow; key ad_id."),
)


class ContractSchema(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes up from names of fields; requires the constants that are written."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's signature
        """Return False: a field's name is title enough."""
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: ANN401, FBT001 - pydantic's signature
        """Return whether a record always holds the field, as it does a constant such as `kind`."""
        inner = field["schema"]
        value = inner["schema"] if inner["type"] == "default" else {}
        constant = value.get("type") == "literal" and len(value["expected"]) == 1
        return (constant and self.mode == "serialization") or super().field_is_required(field, total)


def render_schemas() -> dict[str, str]:
    """Return the JSON Schema of every contract, as text by file name."""
    documents = {name: _describe(name, contract, mode, role) for name, contract, mode, role in _CONTRACTS}
    documents["dead-letter-headers"] = {**_head("dead-letter-headers"), **describe_dead_letter_headers()}
    return {f"{name}.schema.json": _render(document) for name, document in documents.items()}


def describe_dead_letter_headers() -> dict[str, Any]:
    """Return the schema of the headers that a dead letter has besides its original ones. All are UTF-8 text."""
    meanings = {**HEADERS, **CUT_HEADERS_ADDED}
    properties: dict[str, Any] = {name: {"type": "string", "description": text} for name, text in meanings.items()}
    properties[CAUSED_BY]["enum"] = list(CausedBy)
    properties[CLASS_NAME]["enum"] = list(Unreadable)
    return {
        "title": "DeadLetterHeaders",
        "description": "Headers that Sluice adds to a record of ads.dead-letters; the original's headers are kept.",
        "type": "object",
        "properties": properties,
        "required": list(HEADERS),
    }


def _head(name: str) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": f"urn:sluice:contract:v{VERSION}:{name}"}


def _describe(name: str, contract: Any, mode: JsonSchemaMode, role: str) -> dict[str, Any]:  # noqa: ANN401
    schema = TypeAdapter(contract).json_schema(mode=mode, schema_generator=ContractSchema)
    schema.pop("discriminator", None)  # OpenAPI's keyword; `kind` being a constant says the same
    definitions = schema.pop("$defs", {})
    head = _head(name) | {
        "title": schema.pop("title", name.capitalize()),
        "description": f"{role} {schema.pop('description', '')}".strip(),
    }
    return {**head, **schema, "$defs": definitions}


def _render(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
