"""Finds a bundle by what a person calls it: a folder, `live`, `candidate`, a version, or the start of its hash."""

import re
from collections.abc import Iterable
from pathlib import Path

from service.cli.running import CommandError
from service.contracts.ledger import Publish
from service.release.ledger import Ledger
from service.settings import Settings
from service.strategy import Problem, StrategyError
from service.strategy.documents import read_yaml
from service.strategy.files import SHARED_FILE, BundleFiles, read_folder
from service.strategy.reading import validate
from service.strategy.schema import BundleFile
from service.worker.ledger_access import LedgerAccess, open_ledger

LIVE, CANDIDATE = "live", "candidate"
_LEAST_HASH = 6


def find_hash(ledger: Ledger, name: str, stored: Iterable[str] = ()) -> str:
    """Return the content hash of the bundle that `name` means. `stored`: hashes in the topic beside the ledger's.

    Raises CommandError if it means none, or several.
    """
    if name in {LIVE, CANDIDATE}:
        placed = ledger.live if name == LIVE else ledger.candidate
        if placed is None:
            raise CommandError(f"there is no {name} bundle; see `sluice strategy history`")
        return placed.bundle
    published = [one.entry for one in ledger.history if isinstance(one.entry, Publish)]
    by_version = {entry.bundle for entry in published if entry.version == name}
    by_hash: set[str] = set()
    if re.fullmatch(rf"[0-9a-f]{{{_LEAST_HASH},64}}", name):
        by_hash = {sha256 for sha256 in {entry.bundle for entry in published} | set(stored) if sha256.startswith(name)}
    found = by_version | by_hash
    if len(found) == 1:
        return found.pop()
    if not found:
        raise CommandError(
            f"'{name}' is no bundle that was published; name a version, or at least {_LEAST_HASH} digits of a hash,"
            " from `sluice strategy history`"
        )
    several = ", ".join(sorted(sha256[:12] for sha256 in found))
    raise CommandError(f"'{name}' means several bundles: {several}; name one by its hash")


def read_bundle_folder(directory: Path) -> BundleFiles:
    """Return the files of the bundle in a folder. Raises CommandError."""
    try:
        return read_folder(directory)
    except StrategyError as error:
        raise CommandError(str(error)) from None


def read_shared(files: BundleFiles) -> BundleFile:
    """Return what bundle.yaml says. Raises CommandError if this release cannot read it."""
    document = read_yaml(files.get(SHARED_FILE, b""), SHARED_FILE)
    shared = document if isinstance(document, Problem) else validate(document, BundleFile)
    if not isinstance(shared, BundleFile):
        raise CommandError(f"{SHARED_FILE} cannot be read; run `sluice strategy check`")
    return shared


def is_folder(name: str) -> bool:
    """Tell whether a bundle's name is that of a folder."""
    return Path(name).is_dir()


async def read_named(access: LedgerAccess, name: str) -> BundleFiles:
    """Return the files of a folder or of a published bundle. Raises CommandError, PackingError."""
    if is_folder(name):
        return read_bundle_folder(Path(name))
    return await access.topic.read_bundle(find_hash(access.ledger, name, access.topic.stored))


async def fetch_bundle(settings: Settings, name: str) -> BundleFiles:
    """Return the files of a bundle that was published. Raises as `read_named`, KeyFileError, BrokerUnreachableError."""
    async with open_ledger(settings) as access:
        return await access.topic.read_bundle(find_hash(access.ledger, name, access.topic.stored))
