"""`sluice strategy explain`: how an ad is decided, or was: which strategy, which rules, which scores, and why."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from service.answer import Received
from service.bootstrap import DeploymentError, load_checked_classifier, ready_bundle
from service.cli.explain_text import describe_trace
from service.cli.past_decision import PastDecision, find_decision
from service.cli.published import fetch_bundle, is_folder, read_bundle_folder
from service.cli.running import DONE, NOT_SO, CommandError, err, out, run_command, show_safely
from service.contracts.decision import Decision, Origin
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.moderate.trace import Trace
from service.moderate.tracing import trace_ad
from service.release.packing import PackingError
from service.settings import Settings
from service.strategy import BundleFiles, StrategyError, compile_bundle
from service.worker.preparing import BundleRefusedError


def explain(
    ad: Annotated[Path | None, Parameter(help="A submission as JSON, such as ad.json.")] = None,
    /,
    *,
    decision: Annotated[
        str | None, Parameter(help="PARTITION:OFFSET of a decision in Kafka, instead of a file.")
    ] = None,
    bundle: Annotated[str | None, Parameter(help="A folder, 'live', a version or a hash; see below.")] = None,
    as_of: Annotated[datetime | None, Parameter(help="Time to decide at; default: now, or the decision's own.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=(), help="The whole trace as JSON.")] = False,
) -> int:
    """Show how an ad is decided: strategies, readings of its texts, rules with their conditions, scores, reasons.

    An ad from a file is decided by the bundle in SLUICE_STRATEGIES_DIR unless --bundle names another. A decision from
    Kafka is explained by the bundle that made it, as of its own time, and compared: exit code 1 if it comes out other.
    """

    async def run(settings: Settings) -> int:
        if (ad is None) == (decision is None):
            raise CommandError("name an ad's file, or a decision by --decision PARTITION:OFFSET")
        if as_of is not None and as_of.tzinfo is None:
            raise CommandError(f"--as-of {as_of.isoformat()} has no zone; write it as {as_of.isoformat()}+00:00")
        past = await find_decision(settings, decision) if decision is not None else None
        received = past.received if past else _read_ad(ad or Path(), as_of)
        time = as_of or (past.decision.decided_at if past else datetime.now(UTC))
        files = await _choose_files(settings, bundle, past)
        trace = await asyncio.to_thread(_trace, settings, files, received, time)
        _print(trace, received, as_json=as_json)
        return _compare(past.decision, trace.decision) if past else DONE

    return run_command(run)


def _read_ad(path: Path, as_of: datetime | None) -> Received:
    try:
        submission, _ = read_submission(path.read_bytes().strip())
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}; name a file that holds one submission as JSON") from None
    except UnreadableSubmissionError as error:
        letter = error.dead_letter
        raise CommandError(f"{path}: {letter.error}: {letter.message}") from None
    return Received(submission, Origin(topic="file", partition=0, offset=0), as_of or datetime.now(UTC))


async def _choose_files(settings: Settings, name: str | None, past: PastDecision | None) -> BundleFiles:
    wanted = name or (past.decision.bundle.sha256 if past else None)
    try:
        if wanted is None:
            return read_bundle_folder(settings.strategies_dir)
        if is_folder(wanted):
            return read_bundle_folder(Path(wanted))
        return await fetch_bundle(settings, wanted)
    except (PackingError, CommandError) as error:
        image = _read_image(settings)
        if past is not None and name is None and image is not None:
            return image
        raise CommandError(str(error)) from None


def _read_image(settings: Settings) -> BundleFiles | None:
    """Return the bundle of the image, which is where a decision's bundle is if it was never published."""
    try:
        return read_bundle_folder(settings.strategies_dir)
    except CommandError:
        return None


def _trace(settings: Settings, files: BundleFiles, received: Received, as_of: datetime) -> Trace:
    try:
        live = ready_bundle(compile_bundle(files), load_checked_classifier(settings))
    except (DeploymentError, StrategyError, BundleRefusedError) as error:
        raise CommandError(str(error)) from None
    return trace_ad(received, live, as_of)


def _print(trace: Trace, received: Received, *, as_json: bool) -> None:
    if as_json:
        out.print(trace.model_dump_json(indent=2))
        return
    for line in describe_trace(trace, received.submission):
        out.print(line)


def _compare(recorded: Decision, again: Decision) -> int:
    """Tell whether the decision comes out as it was recorded."""
    differences = list(_find_differences(recorded, again))
    for difference in differences:
        err.print(f"sluice: other than recorded: {show_safely(difference)}")
    if not differences:
        out.print("As recorded: the same outcome, reasons and scores.")
    return NOT_SO if differences else DONE


def _find_differences(recorded: Decision, again: Decision) -> Sequence[str]:
    found = []
    if recorded.bundle != again.bundle:
        found.append(f"bundle {recorded.bundle.sha256[:12]} decided, this is {again.bundle.sha256[:12]}")
    if recorded.model != again.model:
        found.append(f"model {recorded.model and recorded.model.id} scored, this is {again.model and again.model.id}")
    for name in ("outcome", "scores", "degraded"):
        before, now = getattr(recorded, name), getattr(again, name)
        if before != now:
            found.append(f"{name} was {before}, is {now}")
    before_reasons = [(reason.id, reason.outcome.value) for reason in recorded.reasons]
    now_reasons = [(reason.id, reason.outcome.value) for reason in again.reasons]
    if before_reasons != now_reasons:
        found.append(f"reasons were {before_reasons}, are {now_reasons}")
    return found
