"""Candidate: Faust as its documentation shows it: `async for event in stream.events()` and `await topic.send`.

The same work as the identity pipeline. `send` returns before the delivery and nobody awaits that, which is how the
documentation's examples are; the watch stops after a flush.
"""

import os
from pathlib import Path

import faust
import mode.loop
import uvloop  # noqa: F401 - named here, so that a missing one is told before Faust falls back
from faust import Stream
from faust.types import EventT

from loadtests.candidates.task import parse_task
from loadtests.stopwatch import Stopwatch
from service.settings import load_settings


def make_app(watch: Stopwatch, directory: Path) -> faust.App:
    """Return an app that copies submissions to decisions and ends its process when the stopwatch has seen enough."""
    settings = load_settings()
    app = faust.App(
        settings.group,
        broker=f"kafka://{settings.brokers}",
        producer_acks=-1,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        worker_redirect_stdouts=False,
        datadir=str(directory),
    )
    submissions = app.topic(settings.submissions_topic, value_type=bytes, value_serializer="raw")
    decisions = app.topic(settings.decisions_topic, value_type=bytes, value_serializer="raw")

    @app.agent(submissions)  # type: ignore[untyped-decorator]
    async def copy(stream: Stream[bytes]) -> None:
        event: EventT[bytes]
        async for event in stream.events():
            watch.start()
            await decisions.send(key=event.key, value=event.value)
            if watch.remaining == 1:
                await app.producer.flush()
            watch.count(1)
            if watch.done:
                os._exit(0)  # leaving in good order takes seconds and is not what is measured

    return app


def main() -> None:
    """Do the task of the command line."""
    task = parse_task()
    mode.loop.use("uvloop")
    app = make_app(Stopwatch(task.ads, task.result), task.result.parent)
    faust.Worker(app, loglevel="WARN", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
