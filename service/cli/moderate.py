"""`sluice moderate FILE.jsonl`: decide ads from a file, by the same function as the worker."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn, TextIO

from cyclopts import Parameter

from service.bootstrap import DeploymentError, load_live_bundle
from service.contracts.decision import Origin
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.moderate import Received, moderate_or_review
from service.settings import load_settings

_BATCH_LINES = 256


def moderate_file(
    source: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    as_of: datetime | None = None,
    review_tasks: Path | None = None,
) -> None:
    """Decide the submissions in a JSON Lines file and print one decision a line; `-` reads standard input.

    A line that cannot be read is told on stderr with its number, and the exit code is then 1.

    Parameters
    ----------
    source
        The file, or `-`.
    as_of
        The time to decide at, such as 2026-01-31T09:30:00+00:00; default: now. It makes a run repeatable.
    review_tasks
        A file to write the review tasks to, one a line.

    """
    if as_of is not None and as_of.tzinfo is None:
        _give_up(f"--as-of {as_of.isoformat()} has no zone; write it as {as_of.isoformat()}+00:00")
    time = as_of or datetime.now(UTC)
    try:
        bundle = load_live_bundle(load_settings())
    except DeploymentError as error:
        _give_up(str(error))
    unreadable = 0
    with _open(source) as lines, review_tasks.open("w", encoding="utf-8") if review_tasks else nullcontext() as tasks:
        for numbered in _read_batches(lines):
            received = [ad for line in numbered if (ad := _read_line(source, line, time)) is not None]
            unreadable += len(numbered) - len(received)
            for moderated in moderate_or_review(received, bundle, time):
                _print_line(sys.stdout, moderated.decision.model_dump_json())
                if tasks is not None and moderated.review_task is not None:
                    _print_line(tasks, moderated.review_task.model_dump_json())
    sys.exit(1 if unreadable else 0)


def _open(source: str) -> BinaryIO:
    if source == "-":
        return sys.stdin.buffer
    try:
        return Path(source).open("rb")
    except OSError as error:
        _give_up(f"{source}: {error.strerror}; name a file of JSON Lines, or - for standard input")


def _read_batches(lines: BinaryIO) -> Iterator[list[tuple[int, bytes]]]:
    batch: list[tuple[int, bytes]] = []
    for number, line in enumerate(lines):
        if line.strip():
            batch.append((number, line.rstrip(b"\r\n")))
        if len(batch) == _BATCH_LINES:
            yield batch
            batch = []
    if batch:
        yield batch


def _read_line(source: str, line: tuple[int, bytes], time: datetime) -> Received | None:
    number, value = line
    try:
        submission, _ = read_submission(value)
    except UnreadableSubmissionError as error:
        letter = error.dead_letter
        sys.stderr.write(f"{source}:{number + 1}: {letter.error}: {letter.message}\n")
        return None
    return Received(submission, Origin(topic="file", partition=0, offset=number), time)


def _print_line(to: TextIO, text: str) -> None:
    to.write(text + "\n")


def _give_up(why: str) -> NoReturn:
    sys.stderr.writelines(f"sluice: {line}\n" for line in why.splitlines())
    sys.exit(2)
