"""Runs one command of the CLI: the settings, the event loop, and one line not a traceback, for what users mend."""

import asyncio
import getpass
import socket
from collections.abc import Awaitable, Callable

from rich.console import Console

from service.settings import Settings, SettingsError, load_settings
from service.worker.connection import BrokerUnreachableError
from service.worker.replay import ReplayInterruptedError
from service.worker.topics_cluster import RefusedByBrokerError
from service.worker.topics_file import TopicsFileError


class CommandError(ValueError):
    """The command was given something that it cannot use; the text says what and how to write it."""


DONE, NOT_SO, FAILED = 0, 1, 2
"""Exit statuses: done; the answer is no (a check found faults, nothing matched); it could not be done."""

# Plain: what a topic holds must not be read as markup, nor be wrapped where the output is a pipe.
out = Console(markup=False, highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True, emoji=False)


_TOLD = (
    CommandError,
    SettingsError,
    TopicsFileError,
    BrokerUnreachableError,
    RefusedByBrokerError,
    ReplayInterruptedError,
)


def run_command(command: Callable[[Settings], Awaitable[int]]) -> int:
    """Return the command's exit status, or FAILED after one line on stderr that says what to mend."""

    async def run() -> int:
        return await command(load_settings())

    try:
        return asyncio.run(run())
    except _TOLD as error:
        err.print(f"sluice: {error}")
        return FAILED


def show_safely(text: str) -> str:
    """Return `text` with control characters spelled out: what a sender wrote must not steer the operator's terminal."""
    return "".join(
        letter
        if letter.isprintable() or letter in "\n\t"
        else letter.encode("unicode_escape", "backslashreplace").decode()
        for letter in text
    )


def name_operator() -> str:
    """Return user@host of whoever runs the command."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
