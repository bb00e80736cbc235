"""The published JSON Schemas: valid themselves, complete, and of one mind with the reader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from service.cli.generated import render_generated
from service.contracts.examples import DEAD_LETTER_HEADERS, DECISION, REPLAY, RESUME, REVIEW_TASK, SUBMISSION, TRIP
from service.contracts.generated import find_stale
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.contracts.schemas import DIALECT, render_schemas
from service.contracts.strategy_examples import (
    ENVELOPE,
    HALT,
    PUBLISH,
    SET_ROLLOUT,
    SHADOW_DECISION,
    WORKER_STATUS,
)

ROOT = Path(__file__).parents[2]
SCHEMAS = {name: json.loads(text) for name, text in render_schemas().items()}
SUBMISSION_DOCUMENT = SUBMISSION.model_dump(mode="json")


def test_the_generated_files_are_not_stale() -> None:
    """Who changes a contract, a topic or a metric commits what is generated from it."""
    assert find_stale(ROOT, render_generated(ROOT)) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_schema_with_a_name_of_its_own(name: str) -> None:
    """Valid against the dialect's own schema, with `$id`, title and description."""
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == f"urn:sluice:contract:v1:{name.removesuffix('.schema.json')}"
    assert schema["title"]
    assert schema["description"].endswith(".")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_described(name: str) -> None:
    """No field leaves a platform's engineers guessing."""
    silent = [path for path, field in walk_fields(SCHEMAS[name], name) if not ({"description", "$ref"} & field.keys())]
    assert silent == []
    assert all(definition["description"] for definition in SCHEMAS[name].get("$defs", {}).values())


def walk_fields(node: object, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path and the schema of every property of an object, at any depth."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield from ((f"{path}.{name}", field) for name, field in node["properties"].items())
        for key, member in node.items():
            yield from walk_fields(member, f"{path}.{key}")


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("submission", SUBMISSION_DOCUMENT),
        ("decision", DECISION.model_dump(mode="json")),
        ("review-task", REVIEW_TASK.model_dump(mode="json")),
        ("control", TRIP.model_dump(mode="json")),
        ("control", RESUME.model_dump(mode="json")),
        ("control", REPLAY.model_dump(mode="json")),
        ("control", HALT.model_dump(mode="json")),
        ("ledger-envelope", ENVELOPE.model_dump(mode="json")),
        ("ledger-entry", PUBLISH.model_dump(mode="json")),
        ("ledger-entry", SET_ROLLOUT.model_dump(mode="json")),
        ("worker-status", WORKER_STATUS.model_dump(mode="json")),
        ("shadow-decision", SHADOW_DECISION.model_dump(mode="json")),
        ("dead-letter-headers", DEAD_LETTER_HEADERS),
    ],
)
def test_what_sluice_writes_is_valid(name: str, document: dict[str, Any]) -> None:
    """The schema of an output describes what is written."""
    jsonschema.Draft202012Validator(SCHEMAS[f"{name}.schema.json"]).validate(document)


WRONG: list[Any] = [
    pytest.param({"schema_version": 2}, id="an unknown version"),
    pytest.param({"schema_version": "1"}, id="a version as text"),
    pytest.param({"ad_id": ""}, id="an empty id"),
    pytest.param({"ad_id": "a b"}, id="an id with a space"),
    pytest.param({"ad_id": "a\u0000b"}, id="an id with NUL"),
    pytest.param({"ad_id": "x" * 129}, id="a long id"),
    pytest.param({"revision": -1}, id="a negative revision"),
    pytest.param({"revision": 2**31}, id="a huge revision"),
    pytest.param({"revision": "2"}, id="a revision as text"),
    pytest.param({"submitted_at": 1_769_851_800}, id="a Unix time"),
    pytest.param({"advertiser": {}}, id="an advertiser without id"),
    pytest.param({"advertiser": {"id": "a", "trust_tier": "gold"}}, id="an unknown tier"),
    pytest.param({"vertical": "Real Estate"}, id="a vertical with a space"),
    pytest.param({"market": "Germany"}, id="a market by name"),
    pytest.param({"market": "de"}, id="a market in small letters"),
    pytest.param({"language": "german"}, id="a language by name"),
    pytest.param({"creative": []}, id="a creative that is a list"),
    pytest.param({"creative": {"headline": "x" * 501}}, id="a long headline"),
    pytest.param({"creative": {"transcript": None}}, id="a transcript that is null"),
    pytest.param({"attributes": {f"a{number}": 1 for number in range(65)}}, id="too many attributes"),
    pytest.param({"attributes": {"1st": 1}}, id="a bad attribute's name"),
    pytest.param({"attributes": {"a": {"b": 1}}}, id="a nested attribute"),
    pytest.param({"attributes": {"a": "x" * 1_001}}, id="a long attribute"),
]


@pytest.mark.parametrize("change", WRONG)
def test_the_schema_refuses_what_the_reader_refuses(change: dict[str, Any]) -> None:
    """A sender that validates before it sends gets no dead letter for these."""
    document = SUBMISSION_DOCUMENT | change
    assert not jsonschema.Draft202012Validator(SCHEMAS["submission.schema.json"]).is_valid(document)
    with pytest.raises(UnreadableSubmissionError):
        read_submission(json.dumps(document).encode())


@pytest.mark.parametrize("field", sorted(SCHEMAS["submission.schema.json"]["required"]))
def test_the_schema_and_the_reader_require_the_same_fields(field: str) -> None:
    """Each required field is missed by both."""
    document = {name: value for name, value in SUBMISSION_DOCUMENT.items() if name != field}
    assert not jsonschema.Draft202012Validator(SCHEMAS["submission.schema.json"]).is_valid(document)
    with pytest.raises(UnreadableSubmissionError, match=f"{field}: is missing"):
        read_submission(json.dumps(document).encode())


@pytest.mark.parametrize("field", sorted(set(SUBMISSION_DOCUMENT) - set(SCHEMAS["submission.schema.json"]["required"])))
def test_the_schema_and_the_reader_do_without_the_other_fields(field: str) -> None:
    """What the schema calls optional is optional."""
    document = {name: value for name, value in SUBMISSION_DOCUMENT.items() if name != field}
    assert jsonschema.Draft202012Validator(SCHEMAS["submission.schema.json"]).is_valid(document)
    assert read_submission(json.dumps(document).encode())[0].ad_id == SUBMISSION.ad_id


def test_a_control_record_tells_its_kind() -> None:
    """Without `kind`, nobody could tell a resume from a replay."""
    record = RESUME.model_dump(mode="json", exclude={"kind"})
    assert not jsonschema.Draft202012Validator(SCHEMAS["control.schema.json"]).is_valid(record)
