"""The README's examples: found by their markers and run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.workers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def read_example(name: str) -> str:
    """Return the code block that follows the marker of `name`."""
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, f"the README has no example {name}"
    return found[1]


def run_example(name: str, brokers: str) -> str:
    """Run a block in bash from the checkout and return what it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "SLUICE_BROKERS": brokers, "PATH": path}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", read_example(name)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
