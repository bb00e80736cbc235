"""`sluice strategy publish|approve`: puts a checked bundle on a channel, by one signature or by two."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from service.classifier import load_classifier
from service.classifier.manifest import ModelLoadError
from service.cli.diff_text import describe_diff
from service.cli.ledger_command import (
    Author,
    KeyFile,
    NoWait,
    Reason,
    Signing,
    Timeout,
    act_as,
    describe_entry,
    run_ledger_command,
)
from service.cli.published import read_bundle_folder, read_shared
from service.cli.running import DONE, NOT_SO, CommandError, out, show_safely
from service.contracts.ledger import Envelope, Promote, Publish, SetRollout, name_proposal
from service.linting.check import check_bundle
from service.linting.report import Report
from service.linting.sample import ADS_FILE, WORDS_FILE, SampleError, load_sample
from service.release.approvals import check_guards, find_guards
from service.release.diff import diff_bundles
from service.release.ledger import Ledger, UnapprovedError, read_envelope
from service.release.packing import PackedBundle, pack_bundle
from service.settings import Settings
from service.shipped import shipped_path
from service.strategy.files import BundleFiles

Channel = Literal["live", "candidate"]


def publish(  # noqa: PLR0913 - each is an option of the command
    directory: Annotated[Path, Parameter(help="Folder of the bundle.")],
    /,
    *,
    channel: Annotated[Channel, Parameter(help="live: it decides; candidate: it is evaluated beside live.")],
    reason: Reason,
    key: KeyFile = None,
    no_wait: NoWait = False,
    timeout: Timeout = 60.0,
) -> int:
    """Check a bundle, send it to the workers, and wait until all of them run by it."""

    async def write(settings: Settings) -> int:
        files = read_bundle_folder(directory)
        report = check_files(files, settings)
        if not report.ok:
            return tell_faults(report)
        async with act_as(settings, Signing(reason, key, no_wait, timeout)) as author:
            return await send(author, files, channel)

    return run_ledger_command(write)


def check_files(files: BundleFiles, settings: Settings) -> Report:
    """Return what `sluice strategy check` finds, with the classifier that the settings name."""
    shipped = shipped_path("deploy/sample")
    try:
        classifier = load_classifier(settings.model_dir)
        sample = load_sample(shipped / ADS_FILE, shipped / WORDS_FILE)
    except (ModelLoadError, SampleError) as error:
        raise CommandError(str(error)) from None
    return check_bundle(files, sample, classifier, datetime.now(UTC))


def tell_faults(report: Report) -> int:
    """Print why a bundle cannot be published and return the exit status."""
    for problem in (*report.errors, *report.failed_tests):
        out.print(show_safely(str(problem)))
    out.print(f"Not published: {len(report.errors)} errors, {len(report.failed_tests)} of {report.tests} tests failed.")
    return NOT_SO


async def send(author: Author, files: BundleFiles, channel: Channel) -> int:
    """Write a checked bundle and the entry that names it; return the exit status."""
    version = read_shared(files).version
    packed = pack_bundle(files)
    require_own_version(author.access.ledger, version, packed)
    packed = await author.access.keep_bundle(packed)
    return await author.submit(
        Publish, channel=channel, bundle=packed.sha256, version=version, chunks=len(packed.chunks),
        packed_bytes=packed.packed_bytes, guards=find_guards(files),
    )  # fmt: skip


def require_own_version(ledger: Ledger, version: str, packed: PackedBundle) -> None:
    """Raise CommandError if another bundle was published under this version."""
    for one in ledger.history:
        if isinstance(one.entry, Publish) and one.entry.version == version and one.entry.bundle != packed.sha256:
            other = f"version {version} is another bundle already ({one.entry.bundle[:12]}, entry {one.entry.sequence})"
            raise CommandError(f"{other}; raise `version` in bundle.yaml")


def approve(
    bundle: Annotated[str, Parameter(help="Hash of the bundle, or its start, as the proposal shows it.")],
    /,
    *,
    yes: Annotated[bool, Parameter(negative=(), help="Do not ask.")] = False,
    key: KeyFile = None,
    no_wait: NoWait = False,
    timeout: Timeout = 60.0,
) -> int:
    """Sign what somebody else has proposed, after a look at what it changes; then it is in force."""

    async def write(settings: Settings) -> int:
        async with act_as(settings, Signing("", key, no_wait, timeout)) as author:
            envelope = find_proposal(author.access.topic.proposals, bundle)
            entry = read_envelope(envelope.model_dump_json().encode()).entry
            if not isinstance(entry, Publish | Promote | SetRollout):
                raise CommandError(f"the proposal is of kind {entry.kind}, which nobody has to approve")
            out.print(f"Proposed by {show_safely(entry.author)}: {describe_entry(entry)}")
            out.print(f"  reason: {show_safely(entry.reason)}")
            await show_change(author, entry)
            if not yes:
                require_yes()
            return await add_signature(author, envelope, entry)

    return run_ledger_command(write)


def find_proposal(proposals: dict[str, bytes], bundle: str) -> Envelope:
    """Return the proposal for a bundle. Raises CommandError, LedgerRefusedError."""
    found = [value for sha256, value in proposals.items() if sha256.startswith(bundle)]
    if len(found) != 1 or not bundle:
        known = ", ".join(sorted(sha256[:12] for sha256 in proposals)) or "none"
        raise CommandError(f"{len(found)} proposals are for '{bundle}'; there are: {known}")
    return read_envelope(found[0]).envelope


async def show_change(author: Author, entry: Publish | Promote | SetRollout) -> None:
    """Print what the bundle changes, against what is live. Raises GuardsWrongError where the entry hides something."""
    topic, live = author.access.topic, author.access.ledger.live
    old = await topic.read_bundle(live.bundle) if live is not None else {}
    new = await topic.read_bundle(entry.bundle)
    if isinstance(entry, Publish):
        check_guards(entry.guards, new)
    out.print(describe_diff(diff_bundles(old, new)))


def require_yes() -> None:
    """Ask at the terminal. Raises CommandError unless the answer is yes."""
    if not out.is_terminal:
        raise CommandError("nobody can be asked here; pass --yes")
    if out.input("Sign it? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise CommandError("not signed; nothing was changed")


async def add_signature(author: Author, envelope: Envelope, entry: Publish | Promote | SetRollout) -> int:
    """Sign a proposal and put it in force if that is enough; return the exit status."""
    ledger, access = author.access.ledger, author.access
    if (entry.sequence, entry.previous) != (ledger.sequence + 1, ledger.last_hash):
        return await renew(author, entry)
    signed = author.sign(envelope)
    if len(access.name_signers(signed)) <= len(access.name_signers(envelope)):
        raise CommandError(f"{author.name} has signed it already; somebody else must")
    status = await author.submit_entry(signed, entry)
    if access.ledger.sequence == entry.sequence:
        await access.write(name_proposal(entry.bundle), None)
    return status


async def renew(author: Author, entry: Publish | Promote | SetRollout) -> int:
    """Propose it anew behind the entries that came in between, since signatures cover an entry's place."""
    place = {"sequence": author.access.ledger.sequence + 1, "previous": author.access.ledger.last_hash}
    renewed = entry.model_copy(update=place)
    envelope = author.sign(Envelope(entry=renewed.model_dump_json()))
    try:
        author.access.require_acceptable(envelope)
    except UnapprovedError:
        await author.access.write(name_proposal(entry.bundle), envelope.model_dump_json().encode())
        came = author.access.ledger.history[-1].entry
        out.print(f"Other entries came in between (the last: {describe_entry(came)}), so the first signature lapsed.")
        out.print(
            f"Proposed anew with yours: {show_safely(entry.author)} runs `sluice strategy approve {entry.bundle[:12]}`."
        )
        return DONE
    return await author.submit_entry(envelope, renewed)
