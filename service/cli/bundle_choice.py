"""Finds the files of a bundle that a command names: a folder, a published bundle by its hash, or the live one."""

import re
from pathlib import Path

from service.cli.running import CommandError
from service.settings import Settings
from service.strategy.files import BundleFiles, read_folder

LIVE = "live"


def choose_bundle(option: str, name: str, settings: Settings) -> BundleFiles:  # noqa: ARG001 - the ledger comes next
    """Return a bundle's files. Raises CommandError, StrategyError."""
    if Path(name).is_dir():
        return read_folder(Path(name))
    if name == LIVE or re.fullmatch(r"[0-9a-f]{8,64}", name):
        raise CommandError(f"{option} {name}: bundles are not read from Kafka yet; name a folder")
    raise CommandError(f"{option} {name}: is no folder and no bundle's hash; name the folder that holds bundle.yaml")
