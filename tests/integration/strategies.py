"""Small bundles for tests with real workers and the shipped classifier, and the commands that strategists type."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.integration.workers import ROOT

LABELS = (
    "adult_sexual", "alcohol_tobacco", "clickbait", "gambling", "hate_harassment", "illegal_drugs",
    "misleading_health", "phishing", "political_issue", "scam_fraud", "spam", "weapons",
)  # fmt: skip
REJECT_ALL = '  - {id: reject-all, policy: spam, when: ["true"], action: reject}\n'
_SHARED = """\
schema_version: 1
version: "{version}"
how_to_appeal: Write to us.
failure_sla_minutes: 240
policies:
"""
_POLICY = """\
  {label}:
    title: {label}
    ground: {{kind: terms, reference: "Terms"}}
    message: Please change the ad.
    harm_weight: 1.0
    review_sla_minutes: 60
"""
_STRATEGY = """\
id: default
owner: team
description: For tests. The classifier has no say, the words decide.
scope: {vertical: any, market: any, product: any}
"""
_RULES = """\
rules:
  - {id: unreadable, policy: phishing, when: ["landing.given && !landing.valid"], action: review}
"""


def write_strategies(folder: Path, version: str, rules: str = "", more: str = "") -> Path:
    """Write a bundle whose one strategy sends ads that lead nowhere to review; `rules` and `more` are added to it."""
    folder.mkdir(parents=True)
    shared = _SHARED.format(version=version) + "".join(_POLICY.format(label=label) for label in LABELS)
    thresholds = "".join(f"  {label}: {{approve_below: 1.0, reject_above: 1.0}}\n" for label in LABELS)
    (folder / "bundle.yaml").write_text(shared)
    (folder / "default.yaml").write_text(f"{_STRATEGY}thresholds:\n{thresholds}{_RULES}{rules}{more}")
    return folder


class Strategist:
    """Somebody at a terminal with a key of their own."""

    def __init__(self, environment: Mapping[str, str], key: Path | None = None) -> None:
        self.environment = {**os.environ, **environment}
        if key is not None:
            self.environment["SLUICE_SIGNING_KEY_FILE"] = str(key)

    def run(self, *arguments: str | Path, within_s: float = 120.0) -> tuple[int, str]:
        """Run a command of the CLI; returns its exit status and all it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "service", *map(str, arguments)],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=within_s, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def type(self, *arguments: str | Path, within_s: float = 120.0) -> str:
        """Run a command that has to succeed; returns what it printed."""
        status, printed = self.run(*arguments, within_s=within_s)
        assert status == 0, f"sluice {' '.join(map(str, arguments))}: status {status}\n{printed}"
        return printed


def read_status(value: bytes | None) -> dict[str, object]:
    """Return a worker's status record, {} for a tombstone."""
    found: dict[str, object] = json.loads(value) if value else {}
    return found
