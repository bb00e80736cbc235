"""Renders one AsyncAPI 3.0 document: the topics, who writes and who reads them, and what their records hold."""

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from service.contracts.channels import AD_KEY, BYTES, CHANNELS, EXAMPLES, KEYS, OPERATIONS, PAYLOADS
from service.contracts.dead_letter import REPLAYED_FROM
from service.contracts.examples import DEAD_LETTER_HEADERS
from service.contracts.schemas import ContractSchema, describe_dead_letter_headers

_BINDING = "0.5.0"
_HEAD = """\
# Generated from service/contracts/ and deploy/topics.yaml; change those and run `sluice schemas`.
"""
_ABOUT = """\
Sluice decides ads. A platform writes a submission for each revision of an ad and reads one decision for it; uncertain
ads also become review tasks, records that cannot be read become dead letters.
Read the outputs with `isolation.level=read_committed`: each decision is then seen once. Readers ignore fields that they
do not know.
"""


def render_asyncapi(topics_file: Path) -> str:
    """Return the document as YAML. Names, partitions and retention are those of `topics_file` (deploy/topics.yaml)."""
    topics = YAML(typ="safe", pure=True).load(topics_file.read_text(encoding="utf-8"))
    document = {
        "asyncapi": "3.0.0",
        "id": "urn:sluice:asyncapi",
        "info": {
            "title": "Sluice",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _describe_server()},
        "channels": {role: _describe_channel(role, topics) for role in CHANNELS},
        "operations": {name: _describe_operation(*operation) for name, operation in OPERATIONS.items()},
        "components": {
            "messages": {name: _describe_message(name) for names in CHANNELS.values() for name in names},
            "schemas": _describe_schemas(),
        },
    }
    return _HEAD + _dump(document)


def _describe_server() -> dict[str, Any]:
    return {
        "host": "{brokers}",
        "protocol": "kafka",
        "description": "Any broker of the cluster.",
        "variables": {"brokers": {"default": "127.0.0.1:9092", "description": "SLUICE_BROKERS"}},
    }


def _describe_channel(role: str, topics: Mapping[str, Any]) -> dict[str, Any]:
    topic = topics["topics"][role]
    config = dict(topic["config"])
    config["cleanup.policy"] = str(config["cleanup.policy"]).split(",")
    return {
        "address": topic["name"],
        "description": topic["description"],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in CHANNELS[role]},
        "bindings": {
            "kafka": {
                "topic": topic["name"],
                "partitions": topic["partitions"],
                "replicas": topics["replication_factor"],
                "topicConfiguration": config,
                "bindingVersion": _BINDING,
            }
        },
        "x-writers": topic["writers"],
        "x-readers": topic["readers"],
        "x-compatibility": topic["compatibility"],
    }


def _describe_operation(action: str, role: str, summary: str) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/{role}/messages/{name}"} for name in CHANNELS[role]]
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{role}"},
        "summary": summary,
        "messages": messages,
    }


def _describe_message(name: str) -> dict[str, Any]:
    bindings = {"kafka": {"key": KEYS.get(name, AD_KEY), "bindingVersion": _BINDING}}
    if name in BYTES:
        return _describe_bytes(name, bindings)
    model, _ = PAYLOADS[name]
    message = {
        "name": model.__name__,
        "title": name[0].upper() + "".join(f" {char.lower()}" if char.isupper() else char for char in name[1:]),
        "summary": (model.__doc__ or "").strip(),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": bindings,
        "examples": [{"name": "usual", "payload": EXAMPLES[name].model_dump(mode="json")}],
    }
    if name == "submission":
        message["headers"] = _describe_replay_header()
    return message


def _describe_bytes(name: str, bindings: dict[str, Any]) -> dict[str, Any]:
    title, summary, payload = BYTES[name]
    message: dict[str, Any] = {
        "name": title.title().replace(" ", ""),
        "title": title,
        "summary": summary,
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary", "description": payload},
        "bindings": bindings,
    }
    if name == "deadLetter":
        message["headers"] = describe_dead_letter_headers()
        message["examples"] = [{"name": "not-a-number", "headers": dict(DEAD_LETTER_HEADERS)}]
    return message


def _describe_replay_header() -> dict[str, Any]:
    text = "Only on a record that was put back: TOPIC-PARTITION-OFFSET of its dead letter."
    return {"type": "object", "properties": {REPLAYED_FROM: {"type": "string", "description": text}}}


def _describe_schemas() -> dict[str, Any]:
    _, schemas = models_json_schema(
        list(PAYLOADS.values()),
        ref_template="#/components/schemas/{model}",
        schema_generator=ContractSchema,
    )
    found: dict[str, Any] = schemas["$defs"]
    return found


def _dump(document: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.width = 4_096  # a folded line would end in a space
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.default_flow_style = False
    stream = StringIO()
    # what occurs twice would be written as an anchor and aliases; fresh copies of plain values are not
    plain = json.loads(json.dumps(document))
    plain["info"]["description"] = LiteralScalarString(plain["info"]["description"])
    yaml.dump(plain, stream)
    return stream.getvalue()
