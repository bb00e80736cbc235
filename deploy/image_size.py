"""Sums what the image's layers hold, without a container engine: `python -m deploy.image_size` (`make image-size`).

The final stage of the Dockerfile adds one layer with files to its base, the environment, which the same script fills
here. Exit status 1 if the sum is above the limit.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT_BYTES = 500_000_000
# python:3.11-slim-bookworm, uncompressed. Not measured here: engines show some 125 MB, taken with a margin.
BASE_BYTES = 150_000_000


def main() -> int:
    """Fill the layer in a temporary folder, print the sums in MB, and return the exit status."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = Path(scratch) / "sluice"
        for step in ("dependencies", "project"):
            command = ["sh", "deploy/image_layer.sh", sys.executable, str(environment), step]
            subprocess.run(command, cwd=ROOT, check=True)
        layer = size_bytes(environment)
        for name, size in sorted(_packages(environment), key=lambda one: -one[1])[:10]:
            print(f"{size / 1e6:8.1f} MB  {name}")
    total = BASE_BYTES + layer
    print(f"{layer / 1e6:8.1f} MB  the layer /opt/sluice, all of it")
    print(f"{BASE_BYTES / 1e6:8.1f} MB  the base image (as documented, with a margin; not measured here)")
    print(f"{total / 1e6:8.1f} MB  in sum; the limit is {LIMIT_BYTES / 1e6:.0f} MB")
    return int(total > LIMIT_BYTES)


def size_bytes(path: Path) -> int:
    """Return the bytes of the plain files at or under `path`, as a layer holds them: a link counts nothing."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def _packages(environment: Path) -> list[tuple[str, int]]:
    return [(entry.name, size_bytes(entry)) for entry in environment.glob("lib/python*/site-packages/*")]


if __name__ == "__main__":
    sys.exit(main())
