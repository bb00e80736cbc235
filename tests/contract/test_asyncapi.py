"""The AsyncAPI document: what it refers to exists, its examples are valid, and it agrees with the topics and settings.

The document was also validated with the AsyncAPI initiative's own parser and JSON Schema, which need Node.
"""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from service.contracts.asyncapi import render_asyncapi
from service.contracts.channels import BYTES
from service.contracts.dead_letter import CUT_HEADERS_ADDED, HEADERS
from service.contracts.schemas import render_schemas
from service.settings import Settings
from service.shipped import shipped_path

TOPICS = shipped_path("deploy/topics.yaml")
DOCUMENT: dict[str, Any] = YAML(typ="safe", pure=True).load(render_asyncapi(TOPICS))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def walk_references(node: object) -> Iterator[str]:
    """Yield every `$ref` of the document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for member in node.values():
            yield from walk_references(member)
    elif isinstance(node, list):
        for member in node:
            yield from walk_references(member)


def follow(reference: str) -> dict[str, Any]:
    """Return what a reference within the document points to; KeyError if nothing."""
    node = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def close(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of the document with what it refers to, as a document of its own."""
    return {**schema, "components": {"schemas": DOCUMENT["components"]["schemas"]}}


def test_every_reference_is_inside_the_document_and_resolves() -> None:
    """Nobody has to fetch a second file to read it."""
    references = set(walk_references(DOCUMENT))
    assert references
    for reference in references:
        assert reference.startswith("#/")
        assert follow(reference)


def test_the_document_is_of_version_3_with_the_parts_that_it_requires() -> None:
    """The fields that AsyncAPI 3.0 requires of the document, its channels and its operations."""
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for channel in DOCUMENT["channels"].values():
        assert channel["address"]
        assert channel["messages"]
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert follow(operation["channel"]["$ref"]) in DOCUMENT["channels"].values()


def test_an_operation_sends_or_receives_only_messages_of_its_channel() -> None:
    """AsyncAPI wants an operation's messages to be references into its channel."""
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


@pytest.mark.parametrize("name", [name for name in MESSAGES if name not in BYTES])
def test_an_example_is_valid_by_its_message_s_schema(name: str) -> None:
    """What is shown can be sent."""
    message = MESSAGES[name]
    schema = close(follow(message["payload"]["$ref"]))
    for example in message["examples"]:
        jsonschema.Draft202012Validator(schema).validate(example["payload"])


@pytest.mark.parametrize("name", [name for name in MESSAGES if name not in BYTES])
def test_an_example_is_refused_without_one_of_its_required_fields(name: str) -> None:
    """The schema behind a payload does check something."""
    schema = close(follow(MESSAGES[name]["payload"]["$ref"]))
    example = MESSAGES[name]["examples"][0]["payload"]
    for field in schema["required"]:
        poorer = {key: value for key, value in example.items() if key != field}
        assert not jsonschema.Draft202012Validator(schema).is_valid(poorer)


def test_a_dead_letter_s_headers_are_the_ones_that_the_worker_writes() -> None:
    """Each is documented, and the example has all that are always there."""
    message = MESSAGES["deadLetter"]
    assert message["headers"]["properties"].keys() == HEADERS.keys() | CUT_HEADERS_ADDED.keys()
    jsonschema.Draft202012Validator(message["headers"]).validate(message["examples"][0]["headers"])


def test_the_payloads_say_the_same_as_the_json_schemas() -> None:
    """A platform may use either."""
    for name, component in (
        ("submission", "Submission"),
        ("decision", "Decision"),
        ("review-task", "ReviewTask"),
        ("ledger-envelope", "Envelope"),
        ("worker-status", "WorkerStatus"),
        ("shadow-decision", "ShadowDecision"),
    ):
        schema = json.loads(render_schemas()[f"{name}.schema.json"])
        payload = DOCUMENT["components"]["schemas"][component]
        assert json.dumps(payload["properties"]).replace("#/components/schemas/", "#/$defs/") == json.dumps(
            schema["properties"]
        )
        assert payload["required"] == schema["required"]


def test_the_channels_are_the_topics_of_the_settings() -> None:
    """Defaults of the settings, the topics' file and the document name the same topics."""
    settings = Settings.model_validate({})
    assert {role: channel["address"] for role, channel in DOCUMENT["channels"].items()} == {
        "submissions": settings.submissions_topic,
        "decisions": settings.decisions_topic,
        "review_tasks": settings.review_tasks_topic,
        "dead_letters": settings.dead_letters_topic,
        "control": settings.control_topic,
        "strategies": settings.strategies_topic,
        "strategy_status": settings.strategy_status_topic,
        "shadow": settings.shadow_topic,
    }


def test_each_channel_says_its_partitions_its_retention_and_who_writes_and_reads() -> None:
    """The Kafka bindings carry what a platform has to know to size its readers."""
    topics = YAML(typ="safe", pure=True).load(TOPICS.read_text(encoding="utf-8"))["topics"]
    for role, channel in DOCUMENT["channels"].items():
        kafka = channel["bindings"]["kafka"]
        assert kafka["partitions"] == topics[role]["partitions"]
        assert kafka["topicConfiguration"]["cleanup.policy"] in (["delete"], ["compact"])
        assert kafka["topicConfiguration"].get("retention.ms") == topics[role]["config"].get("retention.ms")
        assert channel["x-writers"]
        assert channel["x-readers"]


@pytest.mark.parametrize("name", MESSAGES)
def test_each_message_says_its_key(name: str) -> None:
    """Who partitions by something else breaks the order of an ad's revisions."""
    assert MESSAGES[name]["bindings"]["kafka"]["key"]["description"]
