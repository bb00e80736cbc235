"""The files that are generated from the contracts: all of them, and which of those on disk are stale."""

from collections.abc import Mapping
from pathlib import Path

from service.contracts.asyncapi import render_asyncapi
from service.contracts.schemas import render_schemas

SCHEMAS_DIR = Path("deploy/schemas")


def render_all(topics_file: Path) -> dict[str, str]:
    """Return every file that is generated from the contracts: its text by its path from the repository's root."""
    files = {**render_schemas(), "asyncapi.yaml": render_asyncapi(topics_file)}
    return {(SCHEMAS_DIR / name).as_posix(): text for name, text in sorted(files.items())}


def find_stale(root: Path, rendered: Mapping[str, str]) -> list[str]:
    """Return one line for each file below `root` that is missing, differs, or that nothing generates any more."""
    faults = []
    for name, text in rendered.items():
        path = root / name
        if not path.is_file():
            faults.append(f"{name} is missing; run `sluice schemas`")
        elif path.read_text(encoding="utf-8") != text:
            faults.append(f"{name} is stale; run `sluice schemas`")
    found = {path.relative_to(root).as_posix() for path in (root / SCHEMAS_DIR).rglob("*") if path.is_file()}
    return faults + [f"{name} is not generated; delete it" for name in sorted(found - rendered.keys())]


def write_all(root: Path, rendered: Mapping[str, str]) -> list[str]:
    """Write the files that differ, and return their paths."""
    changed = [
        name
        for name, text in rendered.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
    ]
    for name in changed:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(rendered[name], encoding="utf-8")
    return changed
