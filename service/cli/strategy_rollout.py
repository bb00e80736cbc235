"""`sluice strategy rollout|promote|abort|rollback`: how far a published bundle decides."""

import re
from typing import Annotated

from cyclopts import Parameter
from pydantic import ValidationError

from service.cli.ledger_command import KeyFile, NoWait, Reason, Signing, Timeout, act_as, run_ledger_command
from service.cli.published import find_hash
from service.cli.running import CommandError
from service.contracts.ledger import Abort, Promote, Publish, RolloutScope, SetRollout
from service.release.ledger import Ledger, Placed
from service.release.undoing import find_previous, find_publication
from service.settings import Settings

_DIMENSIONS = {"vertical": "verticals", "market": "markets", "product": "products"}


def rollout(  # noqa: PLR0913 - each is an option of the command
    *,
    percent: Annotated[float, Parameter(help="Share of the advertisers that the candidate decides, above 0 to 100.")],
    reason: Reason,
    scope: Annotated[str | None, Parameter(help="Which ads: 'market=GB,vertical=gambling'; default: all.")] = None,
    name: Annotated[str | None, Parameter(help="Name of the rollout; another name draws other advertisers.")] = None,
    key: KeyFile = None,
    no_wait: NoWait = False,
    timeout: Timeout = 60.0,
) -> int:
    """Let the candidate decide for a share of the advertisers; again, with another share, to widen or narrow it."""

    async def write(settings: Settings) -> int:
        async with act_as(settings, Signing(reason, key, no_wait, timeout)) as author:
            ledger = author.access.ledger
            candidate = _require_candidate(ledger)
            now = ledger.rollout
            same = now is not None and now.bundle == candidate.bundle and name in {None, now.rollout}
            wanted = name or (now.rollout if now and same else _name_rollout(candidate))
            over = parse_scope(scope) if scope is not None else now.scope if now and same else RolloutScope()
            return await author.submit(SetRollout, rollout=wanted, bundle=candidate.bundle, percent=percent, scope=over)

    return run_ledger_command(write)


def promote(*, reason: Reason, key: KeyFile = None, no_wait: NoWait = False, timeout: Timeout = 60.0) -> int:
    """Make the candidate live for all ads."""

    async def write(settings: Settings) -> int:
        async with act_as(settings, Signing(reason, key, no_wait, timeout)) as author:
            return await author.submit(Promote, bundle=_require_candidate(author.access.ledger).bundle)

    return run_ledger_command(write)


def abort(*, reason: Reason, key: KeyFile = None, no_wait: NoWait = False, timeout: Timeout = 60.0) -> int:
    """Take the candidate off: its rollout ends, and it is no longer evaluated beside live."""

    async def write(settings: Settings) -> int:
        async with act_as(settings, Signing(reason, key, no_wait, timeout)) as author:
            return await author.submit(Abort, bundle=_require_candidate(author.access.ledger).bundle)

    return run_ledger_command(write)


def rollback(
    version: Annotated[str | None, Parameter(help="Version or hash; default: what was live before.")] = None,
    /,
    *,
    reason: Reason,
    key: KeyFile = None,
    no_wait: NoWait = False,
    timeout: Timeout = 60.0,
) -> int:
    """Make a bundle live again that was live before; one signature is enough."""

    async def write(settings: Settings) -> int:
        async with act_as(settings, Signing(reason, key, no_wait, timeout)) as author:
            ledger = author.access.ledger
            target = choose_target(ledger, version)
            await author.access.topic.read_placed(target)  # what is no longer whole must not be what all wait for
            first = find_publication(ledger, target.bundle)
            packed_bytes = first.packed_bytes if first else 1
            return await author.submit(
                Publish, channel="live", bundle=target.bundle, version=target.version, chunks=target.chunks,
                packed_bytes=packed_bytes, guards=dict(target.guards), rollback=True,
            )  # fmt: skip

    return run_ledger_command(write)


def choose_target(ledger: Ledger, version: str | None) -> Placed:
    """Return what a rollback goes back to. Raises CommandError."""
    if version is None:
        if ledger.rollout is not None:
            text = f"rollout {ledger.rollout.rollout} is under way: `sluice strategy abort` takes its candidate off"
            raise CommandError(f"{text}; to change what is live beneath it, name the version")
        if (previous := find_previous(ledger)) is None:
            raise CommandError("nothing was live before; publish a bundle instead")
        return previous
    sha256 = find_hash(ledger, version)
    for placed in reversed(ledger.lives):
        if placed.bundle == sha256:
            return placed
    raise CommandError(f"{version} ({sha256[:12]}) was never live; publish it instead")


def parse_scope(text: str) -> RolloutScope:
    """Return the scope that "market=GB,market=FR,vertical=gambling" names. Raises CommandError."""
    values: dict[str, list[str]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        dimension, _, value = part.partition("=")
        if dimension not in _DIMENSIONS or not value:
            raise CommandError(
                f"--scope '{part}': write market=GB, vertical=gambling or product=feed, with commas between"
            )
        values.setdefault(_DIMENSIONS[dimension], []).append(value)
    try:
        return RolloutScope.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise CommandError(f"--scope {fault['loc'][0]}: {fault['msg']}") from None


def _require_candidate(ledger: Ledger) -> Placed:
    if ledger.candidate is None:
        raise CommandError("there is no candidate; publish one: `sluice strategy publish DIR --channel candidate`")
    return ledger.candidate


def _name_rollout(candidate: Placed) -> str:
    version = re.sub(r"[^a-z0-9_.-]+", "-", candidate.version.lower()).strip("-._")
    return f"{version[:40] or 'rollout'}-{candidate.bundle[:8]}"
