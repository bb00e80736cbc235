"""`sluice topics plan|apply|check`: the topics as `deploy/topics.yaml` wants them."""

from typing import Annotated

from cyclopts import App, Parameter

from service.cli.running import DONE, NOT_SO, out, run_command
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.topics import apply_steps, compare_topics, find_topics
from service.worker.topics_file import TopicsFile, load_topics
from service.worker.topics_plan import AddPartitions, Plan, plan_topics, plan_without_widening

topics_app = App(name="topics", help="Compare Kafka's topics with deploy/topics.yaml, and make them so.")

Partitions = Annotated[int | None, Parameter(help="Partitions of the input and its outputs, instead of the file's.")]
Replication = Annotated[int | None, Parameter(help="Replicas of each topic, instead of the file's; 1 for one broker.")]


@topics_app.command
def plan(*, partitions: Partitions = None, replication: Replication = None) -> int:
    """Show what `apply` would do; changes nothing."""

    async def show(settings: Settings) -> int:
        _print_plan(await _make_plan(settings, _load(settings, partitions, replication)))
        return DONE

    return run_command(show)


@topics_app.command
def apply(
    *,
    partitions: Partitions = None,
    replication: Replication = None,
    add_partitions: Annotated[bool, Parameter(negative=(), help="Also widen an input that exists: keys move.")] = False,
) -> int:
    """Create what is missing and set what differs. Never deletes, never removes partitions; repeating is safe."""

    async def carry_out(settings: Settings) -> int:
        wanted = _load(settings, partitions, replication)
        connection = build_connection(settings)
        found = await find_topics(connection, wanted)
        whole = plan_topics(wanted, found)
        now = whole if add_partitions else plan_without_widening(wanted, found)
        _print_plan(now)
        await apply_steps(connection, now.steps)
        if not any(isinstance(step, AddPartitions) and step.moves_keys for step in whole.steps) or add_partitions:
            return DONE
        out.print("Left, since it needs --add-partitions:")
        _print_plan(Plan(tuple(step for step in whole.steps if step not in now.steps), ()))
        return NOT_SO

    return run_command(carry_out)


@topics_app.command
def check(*, partitions: Partitions = None, replication: Replication = None) -> int:
    """Exit 1 and name each topic with its remedy if a worker could not start or a topic differs from the file."""

    async def compare(settings: Settings) -> int:
        topics = _load(settings, partitions, replication)
        faults = await compare_topics(build_connection(settings), topics, sizes=settings.topics_check == "full")
        for fault in faults:
            out.print(f"FAULT {fault}")
        named = {fault.topic for fault in faults}
        steps = [step for step in (await _make_plan(settings, topics)).steps if step.topic not in named]
        for step in steps:
            out.print(f"DIFFERS {step}; run `sluice topics apply`")
        if not faults and not steps:
            out.print("The topics are as the file says.")
        return NOT_SO if faults or steps else DONE

    return run_command(compare)


def _load(settings: Settings, partitions: int | None, replication: int | None) -> TopicsFile:
    return load_topics(settings).resize(partitions=partitions, replication=replication)


async def _make_plan(settings: Settings, topics: TopicsFile) -> Plan:
    return plan_topics(topics, await find_topics(build_connection(settings), topics))


def _print_plan(shown: Plan) -> None:
    for line in (*shown.steps, *shown.notes):
        out.print(str(line))
    if not shown.steps:
        out.print("Nothing to do.")
