"""`sluice strategy keygen`: a key pair for somebody who publishes strategies."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from service.cli.ledger_command import run_ledger_command
from service.cli.running import DONE, CommandError, out
from service.release.signing import PRIVATE_SUFFIX, PUBLIC_SUFFIX, make_key, require_name
from service.settings import Settings


def keygen(
    name: Annotated[str, Parameter(help="Whose key: the name that histories show.")],
    /,
    *,
    to: Annotated[Path, Parameter(help="Folder to write both files to.")],
) -> int:
    """Make a key pair: NAME.key, which stays with the person, and NAME.pem, which goes to the workers."""

    async def make(settings: Settings) -> int:  # noqa: ARG001 - every command has them
        require_name(name, "keygen")
        private, public = to / f"{name}{PRIVATE_SUFFIX}", to / f"{name}{PUBLIC_SUFFIX}"
        secret, shared = make_key()
        try:
            to.mkdir(parents=True, exist_ok=True)
            _write_new(private, secret, 0o600)
            _write_new(public, shared, 0o644)
        except FileExistsError as error:
            raise CommandError(f"{error.filename}: exists already; take another name, or remove it first") from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}; name a folder that you can write to") from None
        out.print(f"{private}: keep it to yourself; sign with --key, or set SLUICE_SIGNING_KEY_FILE")
        out.print(f"{public}: put it into the workers' SLUICE_STRATEGY_KEYS_DIR")
        return DONE

    return run_ledger_command(make)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    # Never over an old key, and never readable by others, not even for a moment.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
