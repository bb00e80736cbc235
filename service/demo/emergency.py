"""The demo's emergency: a host is blocked by `sluice block`, and an ad that was approved meets the block."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from service.contracts.decision import Decision, Outcome

_COMMAND_WITHIN_S = 60.0


class EmergencyError(RuntimeError):
    """The block could not be set; the text is what the command printed."""


def choose_ad(decisions: Sequence[Decision], records: Sequence[tuple[bytes, bytes]]) -> tuple[str, dict[str, Any]]:
    """Return the host of an approved ad's landing page and the ad, as its next revision."""
    ads = {key.decode(): value for key, value in records}
    for decision in decisions:
        if decision.outcome is Outcome.APPROVE:
            ad: dict[str, Any] = json.loads(ads[decision.ad_id])
            host = ad["creative"].get("landing_url", "").removeprefix("https://").partition("/")[0]
            if host:
                return host, {**ad, "revision": ad["revision"] + 1}
    raise EmergencyError("no approved ad has a landing page to block")


def block_host(host: str, brokers: str) -> float:
    """Block a host for an hour as a person would; returns how many seconds the command took, its start included."""
    settings = {"SLUICE_BROKERS": brokers, "SLUICE_ALLOW_UNSIGNED_STRATEGIES": "true"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    command = ["block", "host", host, "--for", "1h", "--reason", "the demo's emergency", "--policy", "phishing"]
    began_s = time.monotonic()
    done = subprocess.run(  # noqa: S603 - the demo's own command
        [sys.executable, "-m", "service", *command],
        env=environment | settings, capture_output=True, text=True, timeout=_COMMAND_WITHIN_S, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise EmergencyError(done.stdout + done.stderr)
    return time.monotonic() - began_s
