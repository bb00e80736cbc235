"""A bundle as files: what belongs to it, how much it may be, and its hash. Folders and Kafka both give such a mapping.

Knows paths and bytes only; what stands in them is read by `reading` and `lists`.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from service.strategy.problems import Problem, StrategyError

BundleFiles = Mapping[str, bytes]
"""POSIX path inside the bundle → content."""

SHARED_FILE = "bundle.yaml"
LIST_KINDS = ("terms", "regexes", "hosts", "advertisers")

MAX_FILES = 2_000
MAX_YAML_BYTES = 4_000_000
MAX_LIST_BYTES = 32_000_000
MAX_BUNDLE_BYTES = 64_000_000
MAX_ENTRIES = 500_000
"""Of all lists of one kind together."""

_BELONGS = re.compile(r"[^/.][^/]*\.yaml|(?:rules|tests)/(?:[^/.][^/]*/)*[^/.][^/]*\.yaml|lists/[^/.][^/]*/[^/.][^/]*")
_PATTERNS = ("*.yaml", "rules/**/*.yaml", "tests/**/*.yaml", "lists/*/*")


def read_folder(directory: Path) -> dict[str, bytes]:
    """Return the files of the bundle in `directory`; what a bundle has no place for (a README) is left out.

    Raises `StrategyError` where a file cannot be read or is larger than any file may be.
    """
    if not directory.is_dir():
        raise StrategyError([Problem(str(directory), 1, 1, "is no folder", "name the folder that holds bundle.yaml")])
    files: dict[str, bytes] = {}
    problems = []
    for path in sorted({path for pattern in _PATTERNS for path in directory.glob(pattern)}):
        name = path.relative_to(directory)
        if any(part.startswith(".") for part in name.parts) or not path.is_file():
            continue  # editors' and ConfigMaps' own files
        try:
            size = path.stat().st_size
            if size > MAX_BUNDLE_BYTES:
                # Not even read: it might not fit into memory.
                problems.append(_too_large(name.as_posix(), size, MAX_BUNDLE_BYTES))
            else:
                files[name.as_posix()] = path.read_bytes()
        except OSError as error:
            what = f"cannot be opened: {error.strerror}"
            problems.append(Problem(name.as_posix(), 1, 1, what, "check the file's name and rights"))
    if problems:
        raise StrategyError(problems)
    return files


def hash_files(files: BundleFiles) -> str:
    """Return the SHA-256 of the canonical form, in hex: each file's path, length and bytes, in the paths' order."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def check_files(files: BundleFiles) -> list[Problem]:
    """Return which files have no place in a bundle, and which limits they exceed; none must be read any further."""
    problems = [_stray(name) for name in files if not _BELONGS.fullmatch(name)]
    if len(files) > MAX_FILES:
        problems.append(Problem("bundle", 1, 1, f"{len(files)} files", f"keep a bundle under {MAX_FILES} files"))
    total = sum(map(len, files.values()))
    if total > MAX_BUNDLE_BYTES:
        problems.append(_too_large("bundle", total, MAX_BUNDLE_BYTES))
    for name, content in files.items():
        lines = content.count(b"\n")
        limit = MAX_LIST_BYTES if name.startswith("lists/") else MAX_YAML_BYTES
        if name.startswith("lists/") and lines > MAX_ENTRIES:
            what = f"the list has {lines:,} lines"
            problems.append(Problem(name, 1, 1, what, f"keep all lists of a kind under {MAX_ENTRIES:,} entries"))
        elif len(content) > limit:
            problems.append(_too_large(name, len(content), limit))
    return problems


def _stray(name: str) -> Problem:
    remedy = "a bundle is *.yaml, rules/*.yaml, tests/*.yaml and lists/KIND/*.txt"
    return Problem(name[:200], 1, 1, "has no place in a bundle", remedy)


def _too_large(name: str, size: int, limit: int) -> Problem:
    return Problem(name, 1, 1, f"{size:,} bytes", f"keep it under {limit:,} bytes")
