"""`sluice resume`: lets a group's workers fetch again after a trip, when its cause has been mended."""

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from service.cli.running import DONE, name_operator, out, run_command, show_safely
from service.contracts.control import Resume, Trip, name_trip
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.control import read_control, write_control


def resume(*, by: Annotated[str | None, Parameter(help="Who resumes; default: user@host.")] = None) -> int:
    """Clear the trip of the group SLUICE_GROUP; its workers, running or restarted, go on. Mend the cause first."""

    async def clear(settings: Settings) -> int:
        connection = build_connection(settings)
        key = name_trip(settings.group)
        found = (await read_control(connection, settings.control_topic)).get(key)
        if isinstance(found, Resume):
            out.print(f"Group {settings.group} is not tripped: {found.by} resumed it at {_time(found.at)}.")
        elif not isinstance(found, Trip):
            out.print(f"Group {settings.group} is not tripped.")
        else:
            out.print(
                show_safely(f"Clearing the trip of group {settings.group}: {found.cause}: {found.message}"),
                soft_wrap=True,
            )
            out.print(show_safely(f"  by worker {found.worker}, build {found.build}, at {_time(found.at)}"))
            # A worker heeds a resume that is not older than its trip, whose time came from another machine's clock.
            at = max(datetime.now(UTC), found.at)
            await write_control(
                connection, settings.control_topic, key, Resume(by=(by or name_operator())[:128], at=at)
            )
            out.print("Resumed.")
        return DONE

    return run_command(clear)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
