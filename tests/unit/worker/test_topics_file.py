from pathlib import Path

import pytest

from service.contracts.submission import MAX_SUBMISSION_BYTES
from service.settings import Settings
from service.shipped import shipped_path
from service.worker.topics_file import LEDGERS, OUTPUTS, ROLES, TopicsFileError, load_topics, read_topics_file

SHIPPED = shipped_path("deploy/topics.yaml")
TEXT = SHIPPED.read_text(encoding="utf-8")


def find_line(start: str) -> int:
    """Return the number of the first line of the shipped file that starts so, spaces left out."""
    return next(number for number, line in enumerate(TEXT.splitlines(), 1) if line.strip().startswith(start))


def refuse(tmp_path: Path, text: str) -> list[str]:
    """Return the faults that reading `text` tells, without the folder's name."""
    path = tmp_path / "topics.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TopicsFileError) as caught:
        read_topics_file(path)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


def test_the_shipped_file_describes_every_role_under_the_settings_default_names() -> None:
    """What the file calls a topic is what a worker without settings uses."""
    topics = read_topics_file(SHIPPED).topics
    assert set(topics) == set(ROLES)
    settings = Settings.model_validate({})
    assert {role: topic.name for role, topic in topics.items()} == {
        role: getattr(settings, f"{role}_topic") for role in ROLES
    }


def test_the_schemas_that_the_shipped_file_names_exist() -> None:
    """A dead letter's value has none: it is what could not be read."""
    topics = read_topics_file(SHIPPED).topics
    assert [role for role, topic in topics.items() if topic.schema_file is None] == ["dead_letters"]
    for topic in topics.values():
        assert topic.schema_file is None or (SHIPPED.parents[1] / topic.schema_file).is_file()


def test_the_shipped_sizes_fit_into_one_another() -> None:
    """A submission at its limit fits its topic with room for headers, and the outputs that hold it whole fit theirs."""
    topics = read_topics_file(SHIPPED).topics
    source = topics["submissions"]
    assert source.max_bytes >= MAX_SUBMISSION_BYTES + 16_384
    assert topics["dead_letters"].max_bytes >= source.max_bytes + 16_384
    assert topics["review_tasks"].max_bytes >= 2 * source.max_bytes
    assert source.config["compression.type"] == "uncompressed"
    assert {topic.config["message.timestamp.type"] for topic in topics.values()} == {"LogAppendTime"}
    assert {topics[role].partitions for role in OUTPUTS} == {source.partitions}
    for role in LEDGERS:
        assert (topics[role].partitions, topics[role].config["cleanup.policy"]) == (1, "compact")


def test_the_settings_name_the_topics() -> None:
    """A topic is found by its role."""
    topics = load_topics(Settings.model_validate({"decisions_topic": "elsewhere"})).topics
    assert topics["decisions"].name == "elsewhere"
    assert topics["submissions"].name == "ads.submissions"


def test_two_roles_cannot_share_a_topic() -> None:
    """Decisions among submissions would be read as submissions."""
    settings = Settings.model_validate({"decisions_topic": "x", "submissions_topic": "x"})
    with pytest.raises(TopicsFileError, match="SLUICE_SUBMISSIONS_TOPIC and SLUICE_DECISIONS_TOPIC are both 'x'"):
        load_topics(settings)


def test_another_size_changes_input_and_outputs_only() -> None:
    """The ledgers keep their one partition; replicas change for all."""
    resized = read_topics_file(SHIPPED).resize(partitions=4, replication=1)
    assert resized.replication_factor == 1
    assert {role: topic.partitions for role, topic in resized.topics.items()} == {
        "submissions": 4,
        "decisions": 4,
        "review_tasks": 4,
        "dead_letters": 4,
        "control": 1,
        "strategies": 1,
        "strategy_status": 1,
        "shadow": 4,
    }
    assert read_topics_file(SHIPPED).resize() == read_topics_file(SHIPPED)


@pytest.mark.parametrize(
    ("found", "instead", "at", "told"),
    [
        ("key: ad_id", "kee: ad_id", "kee", "topics.submissions.kee: Extra inputs are not permitted"),
        ("partitions: 12\n", "partitions: many\n", "partitions", "topics.submissions.partitions: Input should be"),
        ("partitions: 12 #", "partitions: 4 #", "partitions: 12 #", "make them equal: an output goes to its input's"),
        (
            "  decisions:\n",
            "  decision:\n",
            "decisions:",
            "topics.decision: Input should be 'submissions', 'decisions'",
        ),
        ("cleanup.policy: compact", "cleanup.policy: delete", "config:", "needs cleanup.policy: compact"),
        ("max.message.bytes: 1114112", "max.message.bytes: 1 MB", "config:", "needs max.message.bytes as a whole"),
        ("replication_factor: 3", "replication_factor: 0", "replication_factor", "greater than or equal to 1"),
        ("name: ads.decisions", "name: ads/decisions", "name: ads.decisions", "topics.decisions.name: String should"),
        ("retention.ms: 604800000", "retention.ms: [7]", "retention.ms", "topics.submissions.config.retention.ms"),
    ],
)
def test_a_fault_names_its_line_and_what_to_write(tmp_path: Path, found: str, instead: str, at: str, told: str) -> None:
    """An operator goes straight to the line."""
    faults = refuse(tmp_path, TEXT.replace(found, instead, 1))
    lines = [int(fault.split(":")[1]) for fault in faults if told in fault]
    assert lines, faults
    mended = TEXT.replace(found, instead, 1).splitlines()
    near = mended[lines[0] - 1].strip()
    assert near.startswith((at, instead.strip().split(":")[0])), near


def test_what_is_no_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    """Broken YAML, a key twice, something else than a mapping."""
    line = find_line("decisions:")
    [fault] = refuse(tmp_path, TEXT.replace("  decisions:", "  decisions: }", 1))
    assert fault.startswith(f"topics.yaml:{line}: not YAML: ")
    [fault] = refuse(tmp_path, TEXT.replace("    key: ad_id", "    key: a\n    key: b", 1))
    assert "found duplicate key" in fault
    for text in ("", "- 1", "text"):
        assert refuse(tmp_path, text) == [
            "topics.yaml:1: the file must be a mapping with `replication_factor` and `topics`"
        ]


def test_a_missing_topic_is_told(tmp_path: Path) -> None:
    """Every role has to be described."""
    start, end = TEXT.index("  control:"), TEXT.index("  strategies:")
    assert refuse(tmp_path, TEXT[:start] + TEXT[end:]) == [
        f"topics.yaml:{find_line('topics:')}: topics.control is missing; describe it"
    ]


def test_a_file_that_cannot_be_read_is_told_with_the_setting(tmp_path: Path) -> None:
    """A mistyped path names the variable to mend."""
    with pytest.raises(TopicsFileError, match=r"No such file.*SLUICE_TOPICS_FILE"):
        read_topics_file(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"# \xe9")
    with pytest.raises(TopicsFileError, match="byte 2 is not UTF-8"):
        read_topics_file(tmp_path / "latin.yaml")
