"""`sluice strategy history|diff|status|fetch`: what was in force when, by whom, what differs, who runs by what."""

import json
import time
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from service.cli.diff_text import describe_diff, to_json
from service.cli.ledger_command import describe_entry, require_trust, run_ledger_command, warn_of_refused
from service.cli.published import find_hash, read_named
from service.cli.running import DONE, CommandError, out, show_safely
from service.cli.tables import print_table
from service.contracts.control import Halt, name_halt
from service.contracts.ledger import Publish
from service.release.diff import diff_bundles
from service.release.ledger import Accepted, Ledger, Placed
from service.settings import Settings
from service.worker.connection import build_connection
from service.worker.control import read_control
from service.worker.ledger_access import open_ledger
from service.worker.status_watch import Heard, watch_statuses

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="JSON instead of a table.")]
BundleName = Annotated[str, Parameter(help="A folder, 'live', 'candidate', a version, or the start of a hash.")]


def history(
    *,
    channel: Annotated[Literal["live", "candidate"] | None, Parameter(help="Only what changed this channel.")] = None,
    as_json: AsJson = False,
) -> int:
    """Show every entry of the ledger: when, what, by whom, approved by whom, why."""

    async def show(settings: Settings) -> int:
        require_trust(settings)
        async with open_ledger(settings) as access:
            warn_of_refused(access)
            entries = [one for one in access.ledger.history if channel is None or _channel_of(one) == channel]
        if as_json:
            for one in entries:
                out.print(json.dumps(_to_json(one)))
        else:
            _print_entries(entries)
        return DONE

    return run_ledger_command(show)


def diff(old: BundleName, new: BundleName, /, *, as_json: AsJson = False) -> int:
    """Show what one bundle says otherwise than another: thresholds, rules, policies, list entries."""

    async def show(settings: Settings) -> int:
        async with open_ledger(settings) as access:
            found = diff_bundles(await read_named(access, old), await read_named(access, new))
        out.print(json.dumps(to_json(found)) if as_json else describe_diff(found))
        return DONE

    return run_ledger_command(show)


def fetch(name: BundleName, directory: Annotated[Path, Parameter(help="A new folder.")], /) -> int:
    """Write a published bundle back to a folder, such as the one that an old decision names."""

    async def write(settings: Settings) -> int:
        async with open_ledger(settings) as access:
            sha256 = find_hash(access.ledger, name, access.topic.stored)
            files = await access.topic.read_bundle(sha256)
        try:
            directory.mkdir(parents=True)
            for path, content in files.items():
                (directory / path).parent.mkdir(parents=True, exist_ok=True)
                (directory / path).write_bytes(content)
        except FileExistsError:
            raise CommandError(f"{directory}: exists already; name a folder that does not") from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}; name a folder that you can write to") from None
        out.print(f"{directory}: bundle {sha256}, {len(files)} files")
        return DONE

    return run_ledger_command(write)


def status(*, as_json: AsJson = False) -> int:
    """Show what is in force, what waits for signatures, and what each worker runs by."""

    async def show(settings: Settings) -> int:
        require_trust(settings)
        async with open_ledger(settings) as access, watch_statuses(settings) as board:
            warn_of_refused(access)
            workers, horizon_s = board.list_all(time.time()), board.horizon_s
            ledger, proposals = access.ledger, sorted(access.topic.proposals)
        halt = await _find_halt(settings, ledger)
        if as_json:
            out.print(json.dumps(_status_to_json(ledger, proposals, halt, workers)))
            return DONE
        out.print(_describe_ledger(ledger, proposals, halt))
        _print_workers(workers, horizon_s)
        for heard in workers:
            for refusal in heard.status.refusals[:1]:
                out.print(show_safely(f"{heard.status.worker} refused entry {refusal.sequence}: {refusal.why}"))
        return DONE

    return run_ledger_command(show)


def _channel_of(one: Accepted) -> str:
    entry = one.entry
    if isinstance(entry, Publish):
        return entry.channel
    return {"promote": "live", "rollout": "candidate", "abort": "candidate"}.get(entry.kind, "")


def _name_approvers(one: Accepted) -> list[str]:
    return sorted(one.signers - {one.entry.author})


def _to_json(one: Accepted) -> dict[str, Any]:
    return {**one.entry.model_dump(mode="json"), "signed_by": sorted(one.signers), "sha256": one.sha256}


def _print_entries(entries: list[Accepted]) -> None:
    if not entries:
        out.print("Nothing was published yet.")
        return
    rows = []
    for one in entries:
        author = one.entry.author if one.signers else f"{one.entry.author} (unsigned)"
        when = one.entry.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        what, approvers = describe_entry(one.entry), ", ".join(_name_approvers(one))
        rows.append((str(one.entry.sequence), when, what, author, approvers, one.entry.reason))
    print_table(("entry", "when", "what", "author", "approved by", "reason"), rows)


async def _find_halt(settings: Settings, ledger: Ledger) -> Halt | None:
    rollout = ledger.rollout
    if rollout is None:
        return None
    found: Any = (await read_control(build_connection(settings), settings.control_topic)).get(
        name_halt(rollout.rollout)
    )
    return found if isinstance(found, Halt) and found.sequence >= rollout.sequence else None


def _describe_ledger(ledger: Ledger, proposals: list[str], halt: Halt | None) -> str:
    lines = [f"ledger     entry {ledger.sequence}"]
    lines += [f"{name:<10} {_describe_placed(placed)}" for name, placed in _channels(ledger)]
    if ledger.rollout is not None:
        lines.append(f"rollout    {describe_entry(ledger.rollout)}")
    if halt is not None:
        lines.append(f"stopped    by its guard rail {halt.cause}: {halt.message}")
    lines += [f"proposed   {sha256[:12]} waits for `sluice strategy approve {sha256[:12]}`" for sha256 in proposals]
    return show_safely("\n".join(lines))


def _channels(ledger: Ledger) -> tuple[tuple[str, Placed | None], ...]:
    return (("live", ledger.live), ("candidate", ledger.candidate))


def _describe_placed(placed: Placed | None) -> str:
    if placed is None:
        return "none"
    return f"{placed.version} ({placed.bundle[:12]}) since entry {placed.sequence}"


def _print_workers(workers: list[Heard], horizon_s: float) -> None:
    if not workers:
        out.print("No worker has reported yet.")
        return
    rows = []
    for one, age_s in workers:
        live = f"{one.live_version} ({one.live[:12]})" if one.live else "none"
        live += " from the image" if one.source == "image" else ""
        candidate = (one.candidate or "")[:12] + (f" off: {one.candidate_off}" if one.candidate_off else "")
        rollout = f"{one.rollout} {one.percent:g} %" if one.rollout else ""
        state = one.state if age_s <= horizon_s else "silent"
        reported = f"{age_s:.0f} s ago"
        rows.append(
            (one.worker, one.group, reported, state, str(one.sequence), live, candidate, rollout, str(one.blocks))
        )
    print_table(("worker", "group", "reported", "state", "entry", "live", "candidate", "rollout", "blocks"), rows)


def _status_to_json(ledger: Ledger, proposals: list[str], halt: Halt | None, workers: list[Heard]) -> dict[str, Any]:
    return {
        "sequence": ledger.sequence,
        **{name: {"version": one.version, "bundle": one.bundle, "sequence": one.sequence} if one else None
           for name, one in _channels(ledger)},
        "rollout": ledger.rollout.model_dump(mode="json") if ledger.rollout else None,
        "halt": halt.model_dump(mode="json") if halt else None,
        "proposals": proposals,
        "workers": [{**one.status.model_dump(mode="json"), "age_s": round(one.age_s, 1)} for one in workers],
    }  # fmt: skip
