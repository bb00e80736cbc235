"""`sluice block host|advertiser|term|text-hash`, `list`, `lift`: emergencies, in force in all workers within seconds.

A block stands above every bundle and arm, expires by itself, and is signed and kept in the history like any entry.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import App, Parameter

from service.cli.ledger_command import (
    Author,
    KeyFile,
    NoWait,
    Reason,
    Signing,
    Timeout,
    act_as,
    require_trust,
    run_ledger_command,
    warn_of_refused,
)
from service.cli.published import read_bundle_folder, read_shared
from service.cli.running import DONE, CommandError, out, show_safely
from service.cli.tables import print_table
from service.contracts.ledger import Block, BlockKind, Lift
from service.release.blocks import BlockError, check_value, hash_text
from service.release.ledger import Ledger
from service.settings import Settings
from service.strategy.files import BundleFiles
from service.strategy.problems import suggest
from service.worker.ledger_access import open_ledger

block_app = App(name="block", help="Emergencies: reject a host, advertiser, term or text at once, for a time.")

_UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}
_LONGEST_DAYS = 366
_LONGEST_NAME = 56

For = Annotated[str, Parameter(name="--for", help="How long: '90m', '48h', '7d'.")]
PolicyName = Annotated[str, Parameter(help="The policy that the advertiser is told about.")]
Name = Annotated[str | None, Parameter(help="Name of the block, as reasons show it; default: from the value.")]
"""Options that every kind of block has."""


def _make_command(what: BlockKind, help_text: str) -> None:
    def block(  # noqa: PLR0913 - each is an option of the command
        value: Annotated[str, Parameter(help=help_text)],
        /,
        *,
        duration: For,
        reason: Reason,
        policy: PolicyName = "scam_fraud",
        name: Name = None,
        key: KeyFile = None,
        no_wait: NoWait = False,
        timeout: Timeout = 30.0,
    ) -> int:
        return put_block(what, value, duration, Signing(reason, key, no_wait, timeout), policy, name)

    block_app.command(block, name=what, help=f"Reject every ad with this {what}: {help_text}")


_make_command("host", "a bare host such as shop.example, and every host below it, wherever the ad names it.")
_make_command("advertiser", "the advertiser's id, as submissions send it.")
_make_command("term", "a word or phrase, found in all readings of the ad's texts; a `*` at an end lets it go on.")


@block_app.command(name="text-hash")
def block_text_hash(  # noqa: PLR0913 - each is an option of the command
    value: Annotated[str | None, Parameter(help="SHA-256 of the normalised text, in hex.")] = None,
    /,
    *,
    text: Annotated[str | None, Parameter(help="The text itself, instead of its hash.")] = None,
    duration: For,
    reason: Reason,
    policy: PolicyName = "scam_fraud",
    name: Name = None,
    key: KeyFile = None,
    no_wait: NoWait = False,
    timeout: Timeout = 30.0,
) -> int:
    """Reject every ad that has this text in a field, or as all its texts together; case and blanks do not matter."""
    signing = Signing(reason, key, no_wait, timeout)
    given = hash_text(text) if text is not None and value is None else value
    if given is None or (text is not None and value is not None):
        return put_block("text-hash", "", duration, signing, policy, name)
    return put_block("text-hash", given, duration, signing, policy, name)


@block_app.command(name="list")
def list_blocks(
    *, as_json: Annotated[bool, Parameter(name="--json", negative=(), help="One JSON object a block.")] = False
) -> int:
    """Show the blocks in force, the one that ends first on top."""

    async def show(settings: Settings) -> int:
        require_trust(settings)
        async with open_ledger(settings) as access:
            warn_of_refused(access)
            now = datetime.now(UTC)
            blocks = sorted(access.ledger.blocks.values(), key=lambda block: block.expires_at)
        in_force = [block for block in blocks if block.expires_at > now]
        if as_json:
            for block in in_force:
                out.print(json.dumps(block.model_dump(mode="json")))
        else:
            _print_blocks(in_force, now)
        return DONE

    return run_ledger_command(show)


@block_app.command(name="lift")
def lift(
    name: Annotated[str, Parameter(help="Name of the block, from `sluice block list`.")],
    /,
    *,
    reason: Reason,
    key: KeyFile = None,
    no_wait: NoWait = False,
    timeout: Timeout = 30.0,
) -> int:
    """Take a block back before it expires."""

    async def write(settings: Settings) -> int:
        async with act_as(settings, Signing(reason, key, no_wait, timeout)) as author:
            if name not in author.access.ledger.blocks:
                raise CommandError(f"there is no block '{name}'; {suggest(name, author.access.ledger.blocks)}")
            return await author.submit(Lift, block=name)

    return run_ledger_command(write)


def put_block(  # noqa: PLR0913, PLR0917 - an entry's fields
    what: BlockKind, value: str, duration: str, signing: Signing, policy: str, name: str | None
) -> int:
    """Write a block and return the exit status."""

    async def write(settings: Settings) -> int:
        ends_after = parse_duration(duration)
        checked = read_value(what, value)
        async with act_as(settings, signing) as author:
            await require_policy(author, settings, policy)
            chosen = name or name_block(author.access.ledger, what, checked)
            ends = datetime.now(UTC) + ends_after
            return await author.submit(Block, block=chosen, what=what, value=checked, policy=policy, expires_at=ends)

    return run_ledger_command(write)


def parse_duration(text: str) -> timedelta:
    """Return the time that "90m", "48h" or "7d" names. Raises CommandError."""
    found = re.fullmatch(r"(\d{1,5})([mhd])", text)
    length = timedelta(seconds=int(found[1]) * _UNITS_S[found[2]]) if found else timedelta()
    if not timedelta() < length <= timedelta(days=_LONGEST_DAYS):
        raise CommandError(
            f"--for '{text}': write '90m', '48h' or '7d', at most {_LONGEST_DAYS}d; lists are for longer"
        )
    return length


def read_value(what: BlockKind, value: str) -> str:
    """Return the value as it is compared with ads. Raises CommandError."""
    if what == "text-hash" and not value:
        raise CommandError("text-hash takes either the SHA-256 of the normalised text, or --text TEXT")
    try:
        checked = check_value(what, value)
    except BlockError as error:
        raise CommandError(show_safely(str(error))) from None
    if what == "advertiser" and (not value.strip() or any(letter.isspace() for letter in value)):
        raise CommandError(f"'{show_safely(value[:60])}' is no advertiser's id; write it as submissions send it")
    return checked


def name_block(ledger: Ledger, what: BlockKind, value: str) -> str:
    """Return the name of the block that has this value, else a new one made from it."""
    for name, block in ledger.blocks.items():
        if (block.what, block.value) == (what, value):
            return name
    start = re.sub(r"[^a-z0-9_.-]+", "-", f"{what}-{value.lower()}")[:_LONGEST_NAME].strip("-._")
    names = (start if number == 1 else f"{start}-{number}" for number in range(1, len(ledger.blocks) + 2))
    return next(name for name in names if name not in ledger.blocks)


async def require_policy(author: Author, settings: Settings, policy: str) -> None:
    """Raise CommandError unless the bundle that decides has this policy: its message is what the advertiser gets."""
    live = author.access.ledger.live
    if live is not None:
        files: BundleFiles = await author.access.topic.read_bundle(live.bundle)
    else:
        files = read_bundle_folder(settings.strategies_dir)
    known = read_shared(files).policies
    if policy not in known:
        raise CommandError(f"--policy '{policy}' is no policy of the live bundle; {suggest(policy, known)}")


def _print_blocks(blocks: list[Block], now: datetime) -> None:
    if not blocks:
        out.print("No block is in force.")
        return
    rows = []
    for block in blocks:
        left = str(block.expires_at - now).partition(".")[0]
        rows.append((block.block, block.what, block.value, left, block.policy, block.author, block.reason))
    print_table(("name", "what", "value", "ends in", "policy", "author", "reason"), rows)
