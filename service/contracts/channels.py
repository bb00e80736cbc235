"""What travels on which topic, for the published AsyncAPI document: payloads, keys, examples, who does what."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from service.contracts import examples, strategy_examples
from service.contracts.control import Halt, Replay, Resume, Trip
from service.contracts.decision import Decision
from service.contracts.ledger import Envelope
from service.contracts.review_task import ReviewTask
from service.contracts.shadow_decision import ShadowDecision
from service.contracts.submission import Submission
from service.contracts.worker_status import WorkerStatus

PAYLOADS: Mapping[str, tuple[type[BaseModel], JsonSchemaMode]] = {
    "submission": (Submission, "validation"),
    "decision": (Decision, "serialization"),
    "reviewTask": (ReviewTask, "serialization"),
    "trip": (Trip, "serialization"),
    "resume": (Resume, "serialization"),
    "replay": (Replay, "serialization"),
    "halt": (Halt, "serialization"),
    "ledgerEntry": (Envelope, "serialization"),
    "workerStatus": (WorkerStatus, "serialization"),
    "shadowDecision": (ShadowDecision, "serialization"),
}
BYTES: Mapping[str, tuple[str, str, str]] = {
    "deadLetter": (
        "Dead letter",
        "A record that cannot be read, byte for byte.",
        "The original record's value.",
    ),
    "bundleChunk": (
        "Bundle chunk",
        "A part of a strategy bundle; the ledger entry that names the bundle says how many there are.",
        "The packed bundle's bytes, in order of their number; their content hash is the key's.",
    ),
}
"""Messages that are no JSON: title, summary, what the bytes are."""

EXAMPLES: Mapping[str, BaseModel] = {
    "submission": examples.SUBMISSION,
    "decision": examples.DECISION,
    "reviewTask": examples.REVIEW_TASK,
    "trip": examples.TRIP,
    "resume": examples.RESUME,
    "replay": examples.REPLAY,
    "halt": strategy_examples.HALT,
    "ledgerEntry": strategy_examples.ENVELOPE,
    "workerStatus": strategy_examples.WORKER_STATUS,
    "shadowDecision": strategy_examples.SHADOW_DECISION,
}

AD_KEY = {"type": "string", "description": "The ad_id, as UTF-8 bytes: all records of an ad lie in one partition."}
KEYS: Mapping[str, dict[str, Any]] = {
    "trip": {"type": "string", "pattern": "^trip/.+$", "description": "trip/GROUP: one record a consumer group."},
    "resume": {"type": "string", "pattern": "^trip/.+$", "description": "trip/GROUP: it takes the trip's place."},
    "replay": {
        "type": "string",
        "pattern": "^replay/.+-[0-9]+-[0-9]+$",
        "description": "replay/TOPIC-PARTITION-OFFSET of the dead letter.",
    },
    "halt": {"type": "string", "pattern": "^halt/.+$", "description": "halt/ROLLOUT: one record a rollout."},
    "deadLetter": {"type": "string", "format": "binary", "description": "The original record's key, byte for byte."},
    "bundleChunk": {
        "type": "string",
        "pattern": "^bundle/[0-9a-f]{64}/[0-9]+$",
        "description": "bundle/HASH/NUMBER: the bundle's content hash and the chunk's number, from 0.",
    },
    "ledgerEntry": {
        "type": "string",
        "pattern": "^(ledger/[0-9]{10}/[0-9a-f]{16}|proposal/[0-9a-f]{64})$",
        "description": "ledger/SEQUENCE/HASH: an entry, by place and the start of its hash; proposal/BUNDLE: one"
        " that waits for signatures.",
    },
    "workerStatus": {"type": "string", "description": "The worker's id; a tombstone says that it left."},
}
CHANNELS: Mapping[str, tuple[str, ...]] = {
    "submissions": ("submission",),
    "decisions": ("decision",),
    "review_tasks": ("reviewTask",),
    "dead_letters": ("deadLetter",),
    "control": ("trip", "resume", "replay", "halt"),
    "strategies": ("bundleChunk", "ledgerEntry"),
    "strategy_status": ("workerStatus",),
    "shadow": ("shadowDecision",),
}
OPERATIONS: Mapping[str, tuple[str, str, str]] = {
    "receiveSubmissions": ("receive", "submissions", "Read every submission, decide it once."),
    "sendDecisions": ("send", "decisions", "Write one decision for each submission that can be read."),
    "sendReviewTasks": ("send", "review_tasks", "Write a task for each decision whose outcome is review."),
    "sendDeadLetters": ("send", "dead_letters", "Write each record that cannot be read, with the why in its headers."),
    "replayDeadLetters": ("send", "submissions", "`sluice dead-letters replay`: put a mended record back."),
    "sendControl": ("send", "control", "Write that a limit was exceeded, that somebody resumed, what was replayed."),
    "receiveControl": ("receive", "control", "Read whether a trip or a rollout's halt still holds."),
    "sendStrategies": ("send", "strategies", "Write a bundle's chunks, then the signed entry that puts it in force."),
    "receiveStrategies": ("receive", "strategies", "Read the ledger from its start, then follow it."),
    "sendStrategyStatus": ("send", "strategy_status", "Each worker: what it decides by, and what it refused."),
    "receiveStrategyStatus": ("receive", "strategy_status", "See whether all workers have taken what was published."),
    "sendShadow": ("send", "shadow", "Write what the candidate makes of an ad, beside what live makes of it."),
}
