"""A small bundle on disk that a test may change line by line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.strategy import Bundle, load_bundle

BUNDLE = """\
schema_version: 1
version: "7"
how_to_appeal: Write to us.
failure_sla_minutes: 240
policies:
  gambling:
    title: Gambling
    ground: {kind: law, reference: "A law"}
    message: Gambling needs a licence.
    harm_weight: 2.0
    review_sla_minutes: 60
    rules_may_approve: true
  scam_fraud:
    title: Scams
    ground: {kind: terms, reference: "Terms 3.5"}
    message: Remove false promises.
    harm_weight: 4.0
    review_sla_minutes: 30
"""
STRATEGY = """\
id: default
owner: team
description: For tests.
scope: {vertical: any, market: any, product: any}
thresholds:
  gambling: {approve_below: 0.4, reject_above: 0.9}
  scam_fraud: {approve_below: 0.3, reject_above: 0.8}
rules:
  - id: casino-words
    policy: gambling
    match: {terms: casino}
    action: reject
    evasion_action: review
  - id: young
    policy: scam_fraud
    when:
      - advertiser.age_days < 7.0
    action: review
  - id: licensed
    policy: gambling
    when: ['has(ad.attributes.licence) && ad.attributes.licence == "MGA-1"']
    action: approve
  - id: blocked
    policy: scam_fraud
    match: {hosts: blocked, in: [landing_url]}
    action: reject
"""
FILES = {
    "bundle.yaml": BUNDLE,
    "default.yaml": STRATEGY,
    "lists/terms/casino.txt": "# games\ncasino\nonline casino # two words\n",
    "lists/hosts/blocked.txt": "evil.example\n",
}
WriteBundle = Callable[..., Path]
MakeBundle = Callable[..., Bundle]


@pytest.fixture
def write_bundle(tmp_path: Path) -> WriteBundle:
    """Write the small bundle; `changes` are (file, old, new), `files` replace or add whole files."""

    def write(*changes: tuple[str, str, str], files: dict[str, str | bytes] | None = None) -> Path:
        contents: dict[str, str | bytes] = {**FILES, **(files or {})}
        for file, old, new in changes:
            content = contents[file]
            assert isinstance(content, str)
            assert old in content
            contents[file] = content.replace(old, new, 1)
        for file, content in contents.items():
            path = tmp_path / "bundle" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "bundle"

    return write


@pytest.fixture
def make_bundle(write_bundle: WriteBundle) -> MakeBundle:
    """Write and load the small bundle."""
    return lambda *changes, **files: load_bundle(write_bundle(*changes, **files))
