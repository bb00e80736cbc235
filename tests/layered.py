"""A bundle of two layers for tests: a default strategy, and one for Great Britain that changes some of its fields."""

from pathlib import Path

from tests.unit.strategy.conftest import FILES

NARROW = """\
id: gb
owner: team-gb
description: What is different in Great Britain.
scope: {market: GB}
thresholds:
  gambling: {approve_below: 0.5}
policies:
  gambling: {review_sla_minutes: 30}
effective: {from: 2026-01-01T00:00:00Z}
rules:
  - id: casino-words
    action: review
    evasion_action: null
  - id: licensed
    when: ad.product == "feed"
  # nobody asks here
  - id: young
    enabled: false
  - id: gb-only
    policy: scam_fraud
    when: ['"casino" in term_hits']
    action: raise
    by: 0.2
"""


def write_layered(folder: Path, narrow: str = NARROW) -> Path:
    """Write the bundle into a folder and return the folder."""
    for file, content in {**FILES, "gb.yaml": narrow}.items():
        path = folder / "bundle" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder / "bundle"
