"""Compares what the topics have to be with what the cluster has: the steps that `sluice topics apply` would take.

Pure: no Kafka. Nothing is ever deleted and no partition removed; what cannot be done is a `Note` with its remedy.
"""

from collections.abc import Mapping
from typing import NamedTuple

from service.worker.topics_cluster import FoundTopic
from service.worker.topics_file import INPUT, LEDGERS, MIN_IN_SYNC, OUTPUTS, Role, Topic, TopicsFile


class CreateTopic(NamedTuple):
    """A topic that is missing."""

    topic: str
    partitions: int
    replication: int
    config: dict[str, str]

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.config.items())
        return f"+ {self.topic}: create, {self.partitions} partitions, replication {self.replication}, {settings}"


class AddPartitions(NamedTuple):
    """A topic with too few partitions; `moves_keys` on the input, where a key's partition depends on their number."""

    topic: str
    found: int
    wanted: int
    moves_keys: bool

    def __str__(self) -> str:
        text = f"~ {self.topic}: partitions {self.found} -> {self.wanted}"
        if self.moves_keys:
            text += (
                "; keys move to other partitions, so revisions of one ad may be decided out of order:"
                " stop the senders, wait until the worker's lag is 0, then apply with --add-partitions"
            )
        return text


class SetConfig(NamedTuple):
    """A value that differs. `found` is None where the broker did not name it."""

    topic: str
    key: str
    found: str | None
    wanted: str

    def __str__(self) -> str:
        return f"~ {self.topic}: {self.key} {self.found} -> {self.wanted}"


class Note(NamedTuple):
    """A difference that `apply` leaves alone."""

    topic: str
    text: str

    def __str__(self) -> str:
        return f"! {self.topic}: {self.text}"


Step = CreateTopic | AddPartitions | SetConfig


class Plan(NamedTuple):
    """What to do, in order, and what to know."""

    steps: tuple[Step, ...]
    notes: tuple[Note, ...]


def plan_topics(wanted: TopicsFile, found: Mapping[str, FoundTopic]) -> Plan:
    """Return how the cluster gets from `found` (by name) to `wanted`; a second plan after it has no steps."""
    count = _choose_partitions(wanted, found)
    steps: list[Step] = []
    notes: list[Note] = []
    for role, topic in wanted.topics.items():
        partitions = count if role == INPUT or role in OUTPUTS else topic.partitions
        if (have := found.get(topic.name)) is None:
            config = _cap_in_sync(topic.config, wanted.replication_factor)
            steps.append(CreateTopic(topic.name, partitions, wanted.replication_factor, config))
            continue
        if have.partitions < partitions:
            steps.append(AddPartitions(topic.name, have.partitions, partitions, moves_keys=role == INPUT))
        steps += _differ(topic, have)
        notes += _note(role, topic, have, wanted.replication_factor)
    # The outputs are widened before the input: between the two, each input partition has its outputs.
    steps.sort(key=lambda step: isinstance(step, AddPartitions) and step.moves_keys)
    return Plan(tuple(steps), tuple(notes))


def plan_without_widening(wanted: TopicsFile, found: Mapping[str, FoundTopic]) -> Plan:
    """Return the part of the plan that moves no key: an input that exists keeps its number of partitions."""
    source = found.get(wanted.topics[INPUT].name)
    kept = plan_topics(wanted if source is None else wanted.resize(partitions=source.partitions), found)
    # An output that is wider than the input can only be met by widening the input.
    steps = tuple(step for step in kept.steps if not (isinstance(step, AddPartitions) and step.moves_keys))
    return Plan(steps, plan_topics(wanted, found).notes)


def _choose_partitions(wanted: TopicsFile, found: Mapping[str, FoundTopic]) -> int:
    # Partitions cannot be removed, and all outputs need the input's count: the largest wins.
    names = [wanted.topics[role].name for role in (INPUT, *OUTPUTS)]
    return max(wanted.topics[INPUT].partitions, *(found[name].partitions for name in names if name in found), 0)


def _cap_in_sync(config: Mapping[str, str], replication: int) -> dict[str, str]:
    # More in-sync replicas than replicas would refuse every write.
    return {**config, MIN_IN_SYNC: str(min(int(config[MIN_IN_SYNC]), replication))}


def _differ(topic: Topic, have: FoundTopic) -> list[SetConfig]:
    if have.config is None:
        return []
    wanted = _cap_in_sync(topic.config, have.replication)
    return [
        SetConfig(topic.name, key, have.config.get(key), value)
        for key, value in wanted.items()
        if have.config.get(key) != value
    ]


def _note(role: Role, topic: Topic, have: FoundTopic, replication: int) -> list[Note]:
    notes = []
    if have.partitions > topic.partitions:
        text = f"has {have.partitions} partitions, the file says {topic.partitions}; they are kept"
        notes.append(Note(topic.name, text if role in LEDGERS else f"{text}: raise the number in the file"))
    if have.replication < replication:
        text = f"has {have.replication} replicas, not {replication}; move it with kafka-reassign-partitions"
        notes.append(Note(topic.name, text))
    if have.config is None:
        notes.append(Note(topic.name, "the broker does not tell its configuration; it is not compared"))
    return notes
