"""`sluice dead-letters list|show|replay`: look at records that could not be read, and put them back."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from service.cli.letter_text import describe_letter, describe_line, to_json
from service.cli.running import DONE, NOT_SO, CommandError, name_operator, out, run_command, show_safely
from service.contracts.control import name_replay
from service.contracts.dead_letter import CausedBy, Unreadable
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.control import read_control
from service.worker.dead_letters import (
    Selection,
    StoredDeadLetter,
    fetch_dead_letter,
    list_newest,
    read_dead_letters,
)
from service.worker.replay import ReplayedLetter, replay_dead_letters
from service.worker.replay_record import ReplayedBeforeError, ReplayOptions

dead_letters_app = App(name="dead-letters", help="Look at records that could not be read, and put them back.")

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Cause = Annotated[Unreadable | None, Parameter(help="Only this error class.", negative=())]
Causer = Annotated[CausedBy | None, Parameter(help="Only what the sender, or the service itself, caused.")]
Since = Annotated[str | None, Parameter(help="Only from then on: '2h', '7d' or '2026-01-31T09:30:00Z'.")]
Place = Annotated[str, Parameter(help="PARTITION:OFFSET, as `list` shows it.")]
AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="One JSON object a dead letter.")]


@dead_letters_app.command(name="list")
def list_letters(
    *,
    cause: Cause = None,
    caused_by: Causer = None,
    since: Since = None,
    limit: Annotated[int, Parameter(help="Most dead letters shown.")] = 50,
    as_json: AsJson = False,
) -> int:
    """Show the newest dead letters first: where, when, why, and whether they were replayed."""

    async def show(settings: Settings) -> int:
        connection = build_connection(settings)
        selection = Selection(cause, caused_by, parse_since(since, datetime.now(UTC)))
        letters = await list_newest(connection, settings.dead_letters_topic, selection, max(limit, 1))
        ledger = await read_control(connection, settings.control_topic)
        for letter in letters:
            replayed = ledger.get(name_replay(*letter.at))
            out.print(json.dumps(to_json(letter, replayed)) if as_json else describe_line(letter, replayed))
        if not letters and not as_json:
            out.print("No dead letters match.")
        return DONE

    return run_command(show)


@dead_letters_app.command(name="show")
def show_letter(
    place: Place,
    /,
    *,
    save: Annotated[Path | None, Parameter(help="Write the value, byte for byte, to this file.")] = None,
    as_json: AsJson = False,
) -> int:
    """Show one dead letter whole: its headers, its reason and its value."""

    async def show(settings: Settings) -> int:
        letter = await _fetch(settings, place)
        replayed = (await read_control(build_connection(settings), settings.control_topic)).get(name_replay(*letter.at))
        if save is not None:
            save.write_bytes(letter.value or b"")
        out.print(json.dumps(to_json(letter, replayed, whole=True)) if as_json else describe_letter(letter, replayed))
        return DONE

    return run_command(show)


@dead_letters_app.command(name="replay")
def replay_letters(  # noqa: PLR0913 - each is an option of the command
    place: Annotated[str | None, Parameter(help="PARTITION:OFFSET, as `list` shows it.")] = None,
    /,
    *,
    every: Annotated[bool, Parameter(name="--all", negative=(), help="All that match instead of one.")] = False,
    cause: Cause = None,
    caused_by: Causer = None,
    since: Since = None,
    value: Annotated[Path | None, Parameter(help="File with the mended value; it replaces the dead letter's.")] = None,
    dry_run: Annotated[bool, Parameter(negative=(), help="Say what would be put back; write nothing.")] = False,
    again: Annotated[bool, Parameter(negative=(), help="Also what was replayed before.")] = False,
    unchecked: Annotated[bool, Parameter(negative=(), help="Also values that cannot be read as a submission.")] = False,
    by: Annotated[str | None, Parameter(help="Who replays; default: user@host.")] = None,
) -> int:
    """Put a dead letter, or all that match, back on the submissions topic, each once."""

    async def replay(settings: Settings) -> int:
        if (place is None) == (not every) or (every and value is not None):
            raise CommandError("replay takes PARTITION:OFFSET (with --value FILE to mend it), or --all")
        selection = Selection(cause, caused_by, parse_since(since, datetime.now(UTC)))
        mended = None if value is None else _read_value(value)
        options = ReplayOptions(by or name_operator(), mended, again=again, unchecked=unchecked, dry_run=dry_run)
        put = before = left = 0
        async for result in replay_dead_letters(settings, _select(settings, place, selection), options):
            if every and isinstance(result.refused, ReplayedBeforeError):
                before += 1
                continue
            put, left = (put + 1, left) if result.refused is None else (put, left + 1)
            out.print(_word(result, settings, dry_run=dry_run))
        out.print(
            f"{put} {'would be ' if dry_run else ''}put back, {left} left, {before} passed over (replayed before)"
        )
        return NOT_SO if left else DONE

    return run_command(replay)


def parse_place(text: str) -> tuple[int, int]:
    """Return (partition, offset) of "PARTITION:OFFSET". Raises CommandError."""
    if (found := re.fullmatch(r"(\d{1,9}):(\d{1,18})", text)) is None:
        raise CommandError(f"'{text}' is not PARTITION:OFFSET; copy it from `sluice dead-letters list`, such as 3:41")
    return int(found[1]), int(found[2])


def parse_since(text: str | None, now: datetime) -> int | None:
    """Return the time in milliseconds since 1970 of "90m", "2h", "7d" before `now`, or of an RFC 3339 time."""
    if text is None:
        return None
    if (found := re.fullmatch(r"(\d{1,6})([smhd])", text)) is not None:
        return max(0, int((now.timestamp() - int(found[1]) * _UNITS_S[found[2]]) * 1_000))
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--since '{text}' is not a time; write '2h', '7d' or '2026-01-31T09:30:00Z'") from None
    return max(0, int((then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() * 1_000))


async def _fetch(settings: Settings, place: str) -> StoredDeadLetter:
    partition, offset = parse_place(place)
    topic = settings.dead_letters_topic
    letter = await fetch_dead_letter(build_connection(settings), topic, partition, offset)
    if letter is None:
        raise CommandError(f"there is no dead letter at {place} in {topic} (any more); `sluice dead-letters list`")
    return letter


async def _select(
    settings: Settings, place: str | None, selection: Selection
) -> AsyncGenerator[StoredDeadLetter, None]:
    if place is not None:
        yield await _fetch(settings, place)
        return
    async with aclosing(
        read_dead_letters(build_connection(settings), settings.dead_letters_topic, selection)
    ) as letters:
        async for letter in letters:
            yield letter


def _read_value(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"--value {path}: {error.strerror}; name a readable file") from None


def _word(result: ReplayedLetter, settings: Settings, *, dry_run: bool) -> str:
    at = f"{result.letter.at.partition}:{result.letter.at.offset}"
    if result.refused is not None:
        return f"{at} left: {show_safely(str(result.refused))}"
    where = "by its key" if result.partition is None else f"partition {result.partition}"
    return f"{at} {'would go' if dry_run else 'put back'} to {settings.submissions_topic}, {where}"
