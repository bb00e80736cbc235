"""`sluice moderate FILE.jsonl`: decide ads from a file, by the same function as the worker."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from service.bootstrap import load_live_bundle
from service.contracts.decision import Origin
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.moderate import LiveBundle, Received, moderate_or_review
from service.settings import load_settings

_BATCH_LINES = 256


def moderate_file(source: str, /, *, as_of: datetime | None = None) -> None:
    """Decide the submissions in a JSON Lines file and print one decision a line; `-` reads standard input.

    A line that cannot be read is told on stderr with its number, and the exit code is then 1.

    Parameters
    ----------
    source
        The file, or `-`.
    as_of
        The time to decide at, such as 2026-01-31T09:30:00+00:00; default: now. It makes a run repeatable.

    """
    time = as_of or datetime.now(UTC)
    bundle = load_live_bundle(load_settings())
    unreadable = 0
    for numbered in _read_batches(source):
        received = [ad for line in numbered if (ad := _read_line(source, line, time)) is not None]
        unreadable += len(numbered) - len(received)
        _print_decisions(received, bundle, time)
    sys.exit(1 if unreadable else 0)


def _read_batches(source: str) -> Iterator[list[tuple[int, bytes]]]:
    stream = sys.stdin.buffer if source == "-" else _open(source)
    with stream:
        batch: list[tuple[int, bytes]] = []
        for number, line in enumerate(stream):
            if line.strip():
                batch.append((number, line.rstrip(b"\r\n")))
            if len(batch) == _BATCH_LINES:
                yield batch
                batch = []
        if batch:
            yield batch


def _open(source: str) -> BinaryIO:
    try:
        return Path(source).open("rb")
    except OSError as error:
        sys.stderr.write(f"sluice: {source}: {error.strerror}; name a file of JSON Lines, or - for standard input\n")
        sys.exit(2)


def _read_line(source: str, line: tuple[int, bytes], time: datetime) -> Received | None:
    number, value = line
    try:
        submission, _ = read_submission(value)
    except UnreadableSubmissionError as error:
        letter = error.dead_letter
        sys.stderr.write(f"{source}:{number + 1}: {letter.error}: {letter.message}\n")
        return None
    return Received(submission, Origin(topic="file", partition=0, offset=number), time)


def _print_decisions(received: list[Received], bundle: LiveBundle, time: datetime) -> None:
    for moderated in moderate_or_review(received, bundle, time):
        sys.stdout.write(moderated.decision.model_dump_json() + "\n")
