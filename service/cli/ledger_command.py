"""What all commands that change or read the ledger share: the signing key, one line for what went wrong, the wait.

An entry that needs more signatures than one becomes a proposal, which `sluice strategy approve` completes.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from cyclopts import Parameter
from pydantic import ValidationError

from service.cli.running import DONE, CommandError, err, name_operator, out, run_command, show_safely
from service.cli.worker_wait import Wanted, wait_for_workers
from service.contracts.ledger import AnyEntry, Envelope, Promote, Publish, SetRollout, name_proposal
from service.release.approvals import GuardsWrongError
from service.release.ledger import LateError, LedgerRefusedError, UnapprovedError
from service.release.packing import PackingError
from service.release.signing import KeyFileError, SigningKey, fingerprint, sign
from service.settings import Settings
from service.worker.ledger_access import LedgerAccess, LostRaceError, load_keys, open_ledger
from service.worker.status_watch import StatusBoard, watch_statuses

Reason = Annotated[str, Parameter(help="Why; kept in the history.")]
KeyFile = Annotated[Path | None, Parameter(name="--key", help="Private key to sign with; default: the settings'.")]
NoWait = Annotated[bool, Parameter(negative=(), help="Do not wait for the workers.")]
Timeout = Annotated[float, Parameter(help="Longest wait for the workers, in seconds.")]

_TOLD = (KeyFileError, LedgerRefusedError, LostRaceError, PackingError, GuardsWrongError)


class Signing(NamedTuple):
    """Who writes an entry and why, and whether to wait for the workers, at most `timeout_s`."""

    reason: str
    key: Path | None = None
    no_wait: bool = False
    timeout_s: float = 60.0


def run_ledger_command(command: Callable[[Settings], Awaitable[int]]) -> int:
    """Return the command's exit status, or FAILED after one line on stderr that says what to mend."""

    async def told(settings: Settings) -> int:
        try:
            return await command(settings)
        except _TOLD as error:
            raise CommandError(show_safely(str(error))) from None

    return run_command(told)


class Author:
    """Writes entries in somebody's name; made by `act_as`."""

    def __init__(self, settings: Settings, access: LedgerAccess, board: StatusBoard | None, signing: Signing) -> None:
        self.access = access
        self._board, self._signing = board, signing
        self._key = choose_key(settings, signing.key)
        self.name = self._key.name if self._key else name_operator()[:128]

    async def submit(self, kind: Callable[..., AnyEntry], **fields: Any) -> int:  # noqa: ANN401 - an entry's fields
        """Write the entry, or its proposal where more people have to sign; wait; return the exit status."""
        try:
            entry = self.access.make(kind, self.name, self._signing.reason, **fields)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            raise CommandError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}; mend the option") from None
        return await self.submit_entry(self.sign(Envelope(entry=entry.model_dump_json())), entry)

    def sign(self, envelope: Envelope) -> Envelope:
        """Return the envelope with this person's signature; as it is where entries go unsigned."""
        if self._key is None:
            return envelope
        return envelope.model_copy(update={"signatures": (*envelope.signatures, sign(envelope.entry, self._key))})

    async def submit_entry(self, envelope: Envelope, entry: AnyEntry) -> int:
        """Write what is signed."""
        started_s = time.perf_counter()
        try:
            await self.access.append(envelope)
        except UnapprovedError as error:
            return await self._propose(envelope, entry, str(error))
        by = f"signed by {', '.join(one.key for one in envelope.signatures)}" if envelope.signatures else "unsigned"
        out.print(f"Entry {entry.sequence}, {by}: {describe_entry(entry)}")
        if self._board is None:
            return DONE
        return await wait_for_workers(self._board, to_wanted(entry), self._signing.timeout_s, started_s)

    async def _propose(self, envelope: Envelope, entry: AnyEntry, lacking: str) -> int:
        if not isinstance(entry, Publish | Promote | SetRollout):
            raise CommandError(lacking)
        await self.access.write(name_proposal(entry.bundle), envelope.model_dump_json().encode())
        out.print(f"Proposed, not in force: {describe_entry(entry)}")
        out.print(f"  {show_safely(lacking.partition(': ')[2].partition('; let another')[0])}.")
        out.print(f"  Another person runs `sluice strategy approve {entry.bundle[:12]}`.")
        return DONE


@asynccontextmanager
async def act_as(settings: Settings, signing: Signing) -> AsyncIterator[Author]:
    """Open the ledger for writing in somebody's name, and watch the workers unless nobody waits for them."""
    require_trust(settings)
    async with AsyncExitStack() as stack:
        # Before the entry is written, so that no report is missed and the wait is measured from its start.
        board = None if signing.no_wait else await stack.enter_async_context(watch_statuses(settings))
        access = await stack.enter_async_context(open_ledger(settings))
        warn_of_refused(access)
        yield Author(settings, access, board, signing)


def require_trust(settings: Settings) -> None:
    """Raise CommandError where no entry could count: no keys are known and unsigned ones are not allowed."""
    if not load_keys(settings).keys and not settings.allow_unsigned_strategies:
        raise CommandError(
            "no public keys: set SLUICE_STRATEGY_KEYS_DIR to the folder of NAME.pem files that the workers have"
            " (`sluice strategy keygen` makes keys), or SLUICE_ALLOW_UNSIGNED_STRATEGIES where nobody else can write"
        )


def warn_of_refused(access: LedgerAccess) -> None:
    """Tell on stderr that records of the ledger do not count; not of those whose author was told that he was late."""
    refused = [error for error in access.refused if not isinstance(error, LateError)]
    if refused:
        err.print(
            f"sluice: {len(refused)} records of the ledger do not count; the first: {show_safely(str(refused[0]))}"
        )


def choose_key(settings: Settings, file: Path | None) -> SigningKey | None:
    """Return the key to sign with; None where unsigned entries are allowed and none is set.

    Raises KeyFileError; CommandError where the key's signature would not count.
    """
    chosen = file or settings.signing_key_file
    if chosen is not None:
        key = SigningKey.load(chosen)
        known = load_keys(settings).keys.get(key.name)
        if (known is None or fingerprint(known) != key.fingerprint) and not settings.allow_unsigned_strategies:
            text = f"the workers would not know the key '{key.name}' in {chosen}: its public half is not in"
            raise CommandError(f"{text} SLUICE_STRATEGY_KEYS_DIR; put {key.name}.pem there, or sign with another key")
        return key
    if settings.allow_unsigned_strategies:
        return None
    raise CommandError("no key to sign with; pass --key FILE, or set SLUICE_SIGNING_KEY_FILE")


def describe_entry(entry: AnyEntry) -> str:
    """Return in a few words what an entry does."""
    match entry.kind:
        case "publish":
            verb = "roll back to" if entry.rollback else "publish"
            return f"{verb} {show_safely(entry.version)} ({entry.bundle[:12]}) on {entry.channel}"
        case "rollout":
            parts = (*entry.scope.markets, *entry.scope.verticals, *entry.scope.products)
            where = f" of {', '.join(parts)}" if parts else ""
            return f"rollout {entry.rollout}: {entry.percent:g} % of the advertisers{where} by {entry.bundle[:12]}"
        case "abort":
            return f"abort candidate {entry.bundle[:12]}"
        case "promote":
            return f"promote {entry.bundle[:12]} to live"
        case "block":
            until = entry.expires_at.isoformat(timespec="minutes")
            return f"block {entry.block}: {entry.what} {show_safely(entry.value)} until {until}, policy {entry.policy}"
        case "lift":
            return f"lift block {entry.block}"


def to_wanted(entry: AnyEntry) -> Wanted:
    """Return what a worker says once it runs by the entry."""
    match entry.kind:
        case "publish":
            return Wanted(entry.sequence, entry.channel, entry.bundle)
        case "promote":
            channel: Literal["live"] = "live"
            return Wanted(entry.sequence, channel, entry.bundle)
        case _:
            return Wanted(entry.sequence)
