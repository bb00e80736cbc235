"""`sluice backtest`: what a bundle would have decided on past ads, compared with another; a report, and a gate."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console

from service.backtest.ads import AdsError, AdSource
from service.backtest.gate import check_gate, judge_gate
from service.backtest.gate_file import GateError, read_gate
from service.backtest.page import write_page
from service.backtest.progress import show_progress
from service.backtest.report import Report
from service.backtest.review_load import DEFAULT_MINUTES, ReviewMinutes
from service.backtest.running import Setting, WorkerDiedError, count_cores, run
from service.backtest.summary import summarise
from service.backtest.tally import Tally
from service.backtest.terminal import show_report
from service.backtest.verdicts import VerdictsError, no_verdicts, read_verdicts
from service.classifier.manifest import ModelLoadError
from service.cli.past_ads import open_ads
from service.cli.published import fetch_bundle, is_folder, read_bundle_folder
from service.cli.running import DONE, FAILED, NOT_SO, CommandError, err, show_safely
from service.release.packing import PackingError
from service.release.signing import KeyFileError
from service.settings import Settings, SettingsError, load_settings
from service.strategy import StrategyError
from service.strategy.files import BundleFiles
from service.worker.connection import BrokerUnreachableError
from service.worker.topics_cluster import RefusedByBrokerError

BrokenOff = (BrokerUnreachableError, RefusedByBrokerError, PackingError, KeyFileError)
"""What may stand between a command and a published bundle."""

_TOLD = (
    CommandError, SettingsError, AdsError, VerdictsError, GateError, StrategyError, ModelLoadError, WorkerDiedError,
    *BrokenOff,
)  # fmt: skip


def backtest(  # noqa: PLR0913 - each is an option of the command
    *,
    bundle: Annotated[str, Parameter(help="The candidate: a folder, or a published bundle's hash.")],
    ads: Annotated[str, Parameter(help="FILE.jsonl, FILE.parquet, or kafka:TOPIC[@FROM..TO].")],
    verdicts: Annotated[Path | None, Parameter(help="JSON Lines {ad_id, revision?, violates, policies}.")] = None,
    against: Annotated[str | None, Parameter(help="The baseline: `live`, a hash, or a folder; default: none.")] = None,
    as_of: Annotated[
        datetime | None, Parameter(help="Decide all ads at this time; default: each when submitted.")
    ] = None,
    gate: Annotated[Path | None, Parameter(help="YAML with conditions, such as deploy/gate.yaml.")] = None,
    json_to: Annotated[Path | None, Parameter(name="--json", help="Write the report to this file as JSON.")] = None,
    html_to: Annotated[
        Path | None, Parameter(name="--html", help="Write it as one page that needs nothing else.")
    ] = None,
    review_minutes: Annotated[
        str, Parameter(help="Minutes a review task takes: '2', or '2,gambling=4.5' for single policies.")
    ] = f"{DEFAULT_MINUTES:g}",
    workers: Annotated[int | None, Parameter(help="Processes; default: one a core.")] = None,
) -> int:
    """Decide past ads with a bundle, and show what would change, for whom, and how sure that is.

    Exit code 0; 1 if the gate is broken; 2 if the backtest could not be run. On the same ads, bundles, model and
    options the JSON and the page are the same to the byte, whatever the number of processes.
    """
    asked = _Asked(bundle, ads, verdicts, against, as_of, gate, review_minutes, workers)

    def command() -> int:
        _check_writable(json_to, html_to)
        return _deliver(_backtest(asked), json_to, html_to)

    return run_backtest(command)


class _Asked(NamedTuple):
    """The options that decide about the report."""

    bundle: str
    ads: str
    verdicts: Path | None
    against: str | None
    as_of: datetime | None
    gate: Path | None
    review_minutes: str
    workers: int | None


def _backtest(asked: _Asked) -> Report:
    if asked.as_of is not None and asked.as_of.tzinfo is None:
        raise CommandError(f"--as-of {asked.as_of.isoformat()} has no zone; write it as {asked.as_of.isoformat()}Z")
    if asked.workers is not None and asked.workers < 1:
        raise CommandError(f"--workers {asked.workers}: give at least 1")
    minutes = parse_minutes(asked.review_minutes)
    gate = read_gate(asked.gate) if asked.gate else None
    if gate:
        check_gate(gate, compared=asked.against is not None)
    settings = load_settings()
    setting = _gather(asked, settings)
    contest = setting.prepare()
    past = open_ads(asked.ads, settings)
    with closing(past.read()) as records, show_progress(past.total, err) as show:
        source = AdSource(records)

        def tell(tally: Tally) -> None:
            decided = tally.ads + tally.unreadable.total()
            # More was read than is decided: blocks are on their way.
            done = source.read_bytes * decided / source.ads if past.unit == "bytes" else decided
            show(done, tally.ads)

        tally = run(source.cut_blocks(), setting, contest, asked.workers or count_cores(), tell)
    report = summarise(tally, source, contest, minutes)
    return report if gate is None else report.model_copy(update={"gate": judge_gate(gate, tally)})


def _gather(asked: _Asked, settings: Settings) -> Setting:
    return Setting(
        settings.model_dir,
        find_bundle(asked.bundle, settings),
        find_bundle(asked.against, settings) if asked.against else None,
        read_verdicts(asked.verdicts) if asked.verdicts else no_verdicts(),
        asked.as_of,
    )


def run_backtest(command: Callable[[], int]) -> int:
    """Return the command's exit status, or FAILED after telling on stderr what to mend."""
    try:
        return command()
    except _TOLD as error:
        for line in str(error).splitlines():
            err.print(show_safely(f"sluice: {line}"))
        return FAILED


def _deliver(report: Report, json_to: Path | None, html_to: Path | None) -> int:
    # A pipe gets lines as long as the tables want them.
    out = Console(
        markup=False, highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160
    )
    show_report(report, out)
    if json_to:
        json_to.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if html_to:
        html_to.write_text(write_page(report), encoding="utf-8")
    return NOT_SO if report.gate is not None and not report.gate.passed else DONE


def _check_writable(*paths: Path | None) -> None:
    # Before the work, not after it.
    for path in paths:
        if path is not None:
            try:
                path.open("ab").close()
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}; name a file that can be written") from None


def find_bundle(name: str, settings: Settings) -> BundleFiles:
    """Return the files of a folder or of a published bundle. Raises CommandError and what `BrokenOff` lists."""
    return read_bundle_folder(Path(name)) if is_folder(name) else asyncio.run(fetch_bundle(settings, name))


def parse_minutes(text: str) -> ReviewMinutes:
    """Return the times of "2,gambling=4.5". Raises CommandError."""
    general, by_policy = DEFAULT_MINUTES, {}
    for part in text.split(","):
        policy, _, number = part.strip().rpartition("=")
        try:
            minutes = float(number)
        except ValueError:
            minutes = -1.0
        if not 0 <= minutes <= 10_000:  # noqa: PLR2004 - a week
            raise CommandError(f"--review-minutes '{part.strip()}' is no time; write '2', or '2,gambling=4.5'")
        if policy:
            by_policy[policy] = minutes
        else:
            general = minutes
    return ReviewMinutes(general, tuple(sorted(by_policy.items())))
