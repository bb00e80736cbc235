"""Writes and checks the requirements locks: `python -m deploy.lock write|check`.

Each lock is made from pyproject.toml by uv and names one version of every package with its files' hashes, and no index.
Its first lines hold a hash of the tables it was made from, so that the check needs neither uv nor a network.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "3.11"  # the oldest that is supported; uv adds markers where newer ones need something else
DEV = "requirements-dev.lock"
RUN_TIME = "requirements.lock"
BUILD = "requirements-build.lock"
_FROM = "# made from pyproject.toml, whose tables have the SHA-256 "


def main(arguments: list[str]) -> int:
    """Write or check all locks; return 0, 1 if a lock is stale, 2 if the command or the machine is at fault."""
    match arguments:
        case ["check"]:
            return _check(ROOT)
        case ["write"]:
            return _write(ROOT)
    print("usage: python -m deploy.lock write|check", file=sys.stderr)
    return 2


def tables_hash(pyproject: str) -> str:
    """Return the SHA-256, in hex, of everything in the text of a pyproject.toml that a lock depends on."""
    parsed: dict[str, Any] = tomllib.loads(pyproject)
    project = parsed["project"]
    tables = {name: project.get(name) for name in ("requires-python", "dependencies", "optional-dependencies")}
    tables["build"] = parsed["build-system"]["requires"]
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def stale_locks(root: Path) -> list[str]:
    """Return the names of the locks in `root` that are missing or were made from other tables than pyproject's."""
    wanted = _FROM + tables_hash((root / "pyproject.toml").read_text())
    return [
        name
        for name in (RUN_TIME, DEV, BUILD)
        if not (root / name).exists() or wanted not in (root / name).read_text().splitlines()[:5]
    ]


def _check(root: Path) -> int:
    if stale := stale_locks(root):
        print(f"stale: {', '.join(stale)} (pyproject.toml has changed since): run `make lock`", file=sys.stderr)
        return 1
    return 0


def _write(root: Path) -> int:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        print("uv is missing (it resolves the locks): .venv/bin/python -m pip install uv", file=sys.stderr)
        return 2
    text = (root / "pyproject.toml").read_text()
    build = tomllib.loads(text)["build-system"]["requires"]
    head = f"# The hashed lock of `make lock`; never edited by hand.\n{_FROM}{tables_hash(text)}\n"
    # the largest first: the others take their versions from it, so that what is tested is what runs
    for name, what, more in (
        (DEV, ["pyproject.toml", "-", "--all-extras"], build),
        (RUN_TIME, ["pyproject.toml", "--constraint", DEV], []),
        (BUILD, ["-", "--constraint", DEV], build),
    ):
        options = ["--universal", "--python-version", PYTHON, "--generate-hashes", "--no-emit-index-url", "--no-header"]
        command = [uv, "pip", "compile", "--quiet", *options, *what]
        done = subprocess.run(command, cwd=root, input="\n".join(more), stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            return 2
        (root / name).write_text(head + done.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
