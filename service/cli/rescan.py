"""`sluice rescan`: decides approved live ads again by a bundle, and takes back what it would not approve now."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service.answer import LiveBundle
from service.backtest.ads import AdsError
from service.bootstrap import DeploymentError, load_checked_classifier, read_size_limits, ready_bundle
from service.cli.ledger_command import require_trust, run_ledger_command, warn_of_refused
from service.cli.past_ads import KAFKA, open_ads
from service.cli.published import find_hash
from service.cli.running import DONE, CommandError, err, out
from service.release.blocks import BlockError, Blocks
from service.settings import Settings
from service.strategy import StrategyError, compile_bundle
from service.worker.ledger_access import open_ledger
from service.worker.preparing import BundleRefusedError
from service.worker.rescan import Count, Rescan, RescanPlan, RescanProgress
from service.worker.rescan_sending import RescanInterruptedError

_TOLD = (AdsError, DeploymentError, StrategyError, BundleRefusedError, RescanInterruptedError)
_SKIPPED: dict[Count, str] = {
    "unreadable": "cannot be read as submissions",
    "no_decision": "have no decision in the topic (any more): send them as submissions again",
    "other_revision": "are of another revision than the last decision",
    "not_approved": "are not approved",
    "by_a_person": "were approved by a later decision, of a person: left alone",
    "failed": "could not be decided, since a part failed: left alone",
    "settled_meanwhile": "were decided otherwise meanwhile",
}


def rescan(
    *,
    bundle: Annotated[str, Parameter(help="'live', a version, or the start of a published bundle's hash.")],
    ads: Annotated[str, Parameter(help="The ads that are live: FILE.jsonl, FILE.parquet, or kafka:TOPIC[@FROM..TO].")],
    rate: Annotated[float, Parameter(help="Most ads a second that are decided, and that are sent.")],
    max_lag: Annotated[int, Parameter(help="Wait while the workers are further behind than so many ads.")] = 5_000,
    dry_run: Annotated[bool, Parameter(negative=(), help="Say what would change; send nothing.")] = False,
) -> int:
    """Decide approved ads again by a published bundle and the blocks in force; supersede what is worse now.

    Running it again, or after an interruption, sends only what was not sent.
    """

    async def run(settings: Settings) -> int:
        if rate <= 0:
            raise CommandError(f"--rate {rate:g}: write how many ads a second, such as 100")
        try:
            plan = await _make_plan(settings, bundle, rate, max_lag, dry_run=dry_run)
            scan = Rescan(settings, plan, lambda: read_values(ads, settings))
            with _show_progress() as progress:
                task = progress.add_task("listing", total=None)
                async for step in scan.run():
                    _show(progress, task, step)
        except _TOLD as error:
            raise CommandError(str(error)) from None
        out.print(_describe_bundle(plan.bundle))
        _tell(scan, dry_run=dry_run)
        return DONE

    return run_ledger_command(run)


def read_values(source: str, settings: Settings) -> Iterator[bytes | None]:
    """Yield the values of the submissions that `--ads` names. Raises CommandError, AdsError."""
    if not source.startswith(KAFKA) and not Path(source).is_file():
        raise CommandError(f"--ads {source}: is no file; name FILE.jsonl, FILE.parquet or kafka:TOPIC")
    for record in open_ads(source, settings).read():
        yield record.value


async def _make_plan(settings: Settings, name: str, rate: float, max_lag: int, *, dry_run: bool) -> RescanPlan:
    require_trust(settings)
    async with open_ledger(settings) as access:
        warn_of_refused(access)
        # Only what was published: whoever reads a decision can then read its bundle.
        files = await access.topic.read_bundle(find_hash(access.ledger, name, access.topic.stored))
        entries = access.ledger.blocks.values()
    usable = []
    for block in entries:
        try:
            Blocks([block])
        except BlockError as error:
            err.print(f"sluice: block '{block.block}' is left out: {error}")
        else:
            usable.append(block)
    made = ready_bundle(compile_bundle(files), load_checked_classifier(settings))
    return RescanPlan(made, Blocks(usable), read_size_limits(settings), rate, max_lag, dry_run)


def _show_progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,} ads"), TimeElapsedColumn(),
        console=err, transient=True, disable=not err.is_terminal,
    )  # fmt: skip


def _show(progress: Progress, task: TaskID, step: RescanProgress) -> None:
    waits = f", waiting: the workers are {step.waiting_for:,} ads behind" if step.waiting_for is not None else ""
    progress.update(task, description=f"{step.phase}{waits}", completed=step.done, total=step.total)


def _describe_bundle(bundle: LiveBundle) -> str:
    return f"By bundle {bundle.strategies.version} ({bundle.strategies.sha256[:12]}):"


def _tell(scan: Rescan, *, dry_run: bool) -> None:
    counts = scan.counts
    out.print(f"{counts['read']:,} ads read, {counts['decided']:,} decided again: {counts['approve']:,} stay approved")
    sent = "nothing was sent, as asked" if dry_run else f"{counts['sent']:,} decisions superseded"
    out.print(f"{counts['reject']:,} rejected, {counts['review']:,} to review: {sent}")
    for name, words in _SKIPPED.items():
        if counts[name]:
            out.print(f"  {counts[name]:,} {words}")
