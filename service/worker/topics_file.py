"""Reads `deploy/topics.yaml`: what each topic has to be like, by its role, under the name that the settings give it.

The file is the operator's to change, so every fault is told as FILE:LINE with the remedy.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from service.settings import Settings

Role = Literal[
    "submissions",
    "decisions",
    "review_tasks",
    "dead_letters",
    "control",
    "strategies",
    "strategy_status",
    "shadow",
]
ROLES: tuple[Role, ...] = get_args(Role)
INPUT: Role = "submissions"
OUTPUTS: tuple[Role, ...] = ("decisions", "review_tasks", "dead_letters", "shadow")
LEDGERS: tuple[Role, ...] = ("control", "strategies", "strategy_status")
"""Of one partition, so that all have one order, and compacted: the last record of a key counts."""

MAX_BYTES = "max.message.bytes"
MIN_IN_SYNC = "min.insync.replicas"

TopicName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class TopicsFileError(ValueError):
    """The topics' file cannot be used; the text says FILE:LINE and the remedy."""


class Topic(BaseModel):
    """One topic as it has to be. `config` holds Kafka's names; its values are the texts that Kafka takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: TopicName
    description: Text
    key: Text
    schema_file: str | None = Field(alias="schema", description="Path in the repository; None: any bytes.")
    writers: tuple[Text, ...] = Field(min_length=1)
    readers: tuple[Text, ...] = Field(min_length=1)
    compatibility: Text
    partitions: int = Field(ge=1, le=10_000, strict=True)
    config: dict[str, str]

    @property
    def max_bytes(self) -> int:
        """The largest batch that the topic takes, in bytes."""
        return int(self.config[MAX_BYTES])


class TopicsFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    replication_factor: int = Field(ge=1, le=32, strict=True)
    topics: dict[Role, Topic]

    def resize(self, *, partitions: int | None = None, replication: int | None = None) -> "TopicsFile":
        """Return the same for another cluster: `partitions` of input and outputs, `replication` of all topics."""
        topics = {
            role: topic
            if role in LEDGERS or partitions is None
            else topic.model_copy(update={"partitions": partitions})
            for role, topic in self.topics.items()
        }
        return self.model_copy(update={"topics": topics, "replication_factor": replication or self.replication_factor})


def load_topics(settings: Settings) -> TopicsFile:
    """Return the file that the settings name, with the topics' names from the settings. Raises TopicsFileError."""
    found = read_topics_file(settings.topics_file)
    named = {
        role: topic.model_copy(update={"name": getattr(settings, f"{role}_topic")})
        for role, topic in found.topics.items()
    }
    _require_apart(named)
    return found.model_copy(update={"topics": named})


def read_topics_file(path: Path) -> TopicsFile:
    """Return the file's content with its default names. Raises TopicsFileError, every fault on a line of its own."""
    document = _read_yaml(path)
    try:
        found = TopicsFile.model_validate(_word_values(document))
    except ValidationError as error:
        faults = [
            f"{path}:{_find_line(document, e['loc'])}: {_name_place(e['loc'])}: {e['msg']}" for e in error.errors()
        ]
        raise TopicsFileError("\n".join(faults)) from None
    if faults := [f"{path}:{_find_line(document, place)}: {text}" for place, text in _relate(found)]:
        raise TopicsFileError("\n".join(faults))
    return found


def _require_apart(topics: Mapping[Role, Topic]) -> None:
    roles: dict[str, Role] = {}
    for role, topic in topics.items():
        if (other := roles.setdefault(topic.name, role)) != role:
            both = f"SLUICE_{other.upper()}_TOPIC and SLUICE_{role.upper()}_TOPIC are both '{topic.name}'"
            raise TopicsFileError(f"{both}; each role needs a topic of its own")


def _read_yaml(path: Path) -> CommentedMap:
    try:
        document = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TopicsFileError(f"{path}: {error.strerror}; set SLUICE_TOPICS_FILE to a readable file") from None
    except UnicodeDecodeError as error:
        raise TopicsFileError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TopicsFileError(f"{path}:{line}: not YAML: {error.problem}") from None
    except YAMLError as error:
        raise TopicsFileError(f"{path}:1: not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, CommentedMap):
        raise TopicsFileError(f"{path}:1: the file must be a mapping with `replication_factor` and `topics`")
    return document


def _word_values(node: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
    """Return plain data with every `config` value in Kafka's words: `true`, not `True`; numbers as text."""
    if isinstance(node, dict):
        return {
            key: {name: _word_config(entry) for name, entry in value.items()}
            if key == "config" and isinstance(value, dict)
            else _word_values(value)
            for key, value in node.items()
        }
    return [_word_values(item) for item in node] if isinstance(node, list) else node


def _word_config(value: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _relate(found: TopicsFile) -> list[tuple[tuple[int | str, ...], str]]:
    """Return what no single value shows: (place, fault)."""
    faults: list[tuple[tuple[int | str, ...], str]] = [
        (("topics",), f"topics.{role} is missing; describe it") for role in ROLES if role not in found.topics
    ]
    wanted = found.topics[INPUT].partitions if INPUT in found.topics else None
    for role, topic in found.topics.items():
        place = ("topics", role)
        if role in OUTPUTS and wanted is not None and topic.partitions != wanted:
            text = f"topics.{role}.partitions is {topic.partitions}, but topics.{INPUT}.partitions is {wanted}; make"
            faults.append(((*place, "partitions"), f"{text} them equal: an output goes to its input's partition"))
        faults += [
            ((*place, "config"), f"topics.{role}.config needs {name} as a whole number; add it")
            for name in (MAX_BYTES, MIN_IN_SYNC)
            if not topic.config.get(name, "").isdecimal()
        ]
        if role in LEDGERS and "compact" not in topic.config.get("cleanup.policy", ""):
            text = f"topics.{role}.config needs cleanup.policy: compact; the last record of each key must stay"
            faults.append(((*place, "config"), text))
    return faults


def _find_line(document: CommentedMap, place: tuple[int | str, ...]) -> int:
    """Return the line (from 1) of the deepest part of `place` that the file has."""
    node: Any = document
    line = 1
    for part in place:
        if isinstance(node, CommentedMap) and part in node:
            line = node.lc.key(part)[0] + 1
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0] + 1
        else:
            break
        node = node[part]
    return line


def _name_place(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place if part != "[key]") or "file"
