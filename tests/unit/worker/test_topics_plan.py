import pytest

from service.shipped import shipped_path
from service.worker.topics_cluster import FoundTopic
from service.worker.topics_file import TopicsFile, read_topics_file
from service.worker.topics_plan import AddPartitions, CreateTopic, SetConfig, plan_topics, plan_without_widening


@pytest.fixture
def wanted() -> TopicsFile:
    return read_topics_file(shipped_path("deploy/topics.yaml"))


def have(wanted: TopicsFile) -> dict[str, FoundTopic]:
    """Return a cluster that is as the file says."""
    return {
        topic.name: FoundTopic(
            topic.partitions, wanted.replication_factor, {**topic.config, "delete.retention.ms": "1"}
        )
        for topic in wanted.topics.values()
    }


def test_an_empty_cluster_gets_every_topic(wanted: TopicsFile) -> None:
    """With the file's partitions, replicas and configuration."""
    plan = plan_topics(wanted, {})
    assert [step.topic for step in plan.steps] == [topic.name for topic in wanted.topics.values()]
    first = plan.steps[0]
    assert isinstance(first, CreateTopic)
    assert (first.partitions, first.replication, first.config["min.insync.replicas"]) == (12, 3, "2")
    assert str(first).startswith("+ ads.submissions: create, 12 partitions, replication 3, cleanup.policy=delete,")


def test_one_replica_asks_for_one_in_sync(wanted: TopicsFile) -> None:
    """More in-sync replicas than replicas would refuse every write."""
    for step in plan_topics(wanted.resize(replication=1), {}).steps:
        assert isinstance(step, CreateTopic)
        assert step.config["min.insync.replicas"] == "1"


def test_a_cluster_as_the_file_says_needs_nothing(wanted: TopicsFile) -> None:
    """What the file does not mention is the operator's."""
    assert plan_topics(wanted, have(wanted)) == ((), ())


def test_in_sync_replicas_are_compared_with_what_the_topic_can_have(wanted: TopicsFile) -> None:
    """A topic of one replica that asks for one in sync is as good as it gets; that it has one is noted."""
    found = have(wanted)
    name = wanted.topics["decisions"].name
    found[name] = FoundTopic(12, 1, {**wanted.topics["decisions"].config, "min.insync.replicas": "1"})
    plan = plan_topics(wanted, found)
    assert plan.steps == ()
    assert [str(note) for note in plan.notes] == [
        f"! {name}: has 1 replicas, not 3; move it with kafka-reassign-partitions"
    ]


def test_a_differing_value_is_set_alone(wanted: TopicsFile) -> None:
    """The step names what is there and what will be."""
    found = have(wanted)
    name = wanted.topics["submissions"].name
    config = found[name].config or {}
    found[name] = found[name]._replace(config={**config, "compression.type": "producer"})
    [step] = plan_topics(wanted, found).steps
    assert step == SetConfig(name, "compression.type", "producer", "uncompressed")
    assert str(step) == "~ ads.submissions: compression.type producer -> uncompressed"


def test_outputs_follow_a_wider_input(wanted: TopicsFile) -> None:
    """Somebody widened the input by hand: the outputs have to have as many, and no key moves by that."""
    found = have(wanted)
    found["ads.submissions"] = found["ads.submissions"]._replace(partitions=16)
    plan = plan_topics(wanted, found)
    assert plan.steps == tuple(
        AddPartitions(name, 12, 16, moves_keys=False)
        for name in ("ads.decisions", "ads.review.tasks", "ads.dead-letters", "ads.decisions.shadow")
    )
    assert plan_without_widening(wanted, found) == plan
    assert "has 16 partitions, the file says 12; they are kept: raise the number in the file" in str(plan.notes[0])


def test_widening_the_input_comes_last_and_warns(wanted: TopicsFile) -> None:
    """Between two steps each input partition has its outputs; the warning says what to do first."""
    plan = plan_topics(wanted.resize(partitions=24), have(wanted))
    assert [step.topic for step in plan.steps][-1] == "ads.submissions"
    assert "keys move to other partitions" in str(plan.steps[-1])
    assert "--add-partitions" in str(plan.steps[-1])
    assert plan_without_widening(wanted.resize(partitions=24), have(wanted)).steps == ()


def test_an_output_that_is_wider_than_its_input_needs_the_input_widened(wanted: TopicsFile) -> None:
    """That moves keys, so it is not done unasked."""
    found = have(wanted)
    found["ads.decisions"] = found["ads.decisions"]._replace(partitions=16)
    assert AddPartitions("ads.submissions", 12, 16, moves_keys=True) in plan_topics(wanted, found).steps
    assert all(step.topic != "ads.submissions" for step in plan_without_widening(wanted, found).steps)


def test_a_missing_output_beside_a_wider_input_is_made_as_wide(wanted: TopicsFile) -> None:
    """Also where nothing may be widened."""
    found = have(wanted)
    found["ads.submissions"] = found["ads.submissions"]._replace(partitions=16)
    del found["ads.decisions"]
    created = [step for step in plan_without_widening(wanted, found).steps if isinstance(step, CreateTopic)]
    assert [(step.topic, step.partitions) for step in created] == [("ads.decisions", 16)]


def test_an_untold_configuration_is_noted_not_changed(wanted: TopicsFile) -> None:
    """A stand-in for Kafka knows no DescribeConfigs."""
    found = {name: topic._replace(config=None) for name, topic in have(wanted).items()}
    plan = plan_topics(wanted, found)
    assert plan.steps == ()
    assert len(plan.notes) == len(wanted.topics)
    assert "the broker does not tell its configuration" in str(plan.notes[0])
