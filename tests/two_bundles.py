"""Two small bundles for the shipped classifier, for tests that compare: the candidate is stricter than the baseline."""

import json

from service.shipped import shipped_path

LABELS: tuple[str, ...] = tuple(json.loads(shipped_path("models/stage_a/manifest.json").read_text())["labels"])

_POLICY = """\
  {label}:
    title: {label}
    ground: {{kind: terms, reference: "Terms 1"}}
    message: Not allowed here.
    harm_weight: 1.5
    review_sla_minutes: 60
"""
_SHARED = """\
schema_version: 1
version: "{version}"
how_to_appeal: Write to us.
failure_sla_minutes: 240
policies:
"""
_STRATEGY = """\
id: default
owner: team
description: For tests.
scope: {vertical: any, market: any, product: any}
thresholds:
"""
_RULES = """\
rules:
  - id: casino-words
    policy: gambling
    match: {terms: casino}
    action: reject
  - id: never-said
    policy: gambling
    match: {terms: unheard}
    action: review
"""


def _make(version: str, approve_below: float, reject_above: float, rules: str) -> dict[str, bytes]:
    shared = _SHARED.format(version=version) + "".join(_POLICY.format(label=label) for label in LABELS)
    limits = f"{{approve_below: {approve_below}, reject_above: {reject_above}}}"
    strategy = _STRATEGY + "".join(f"  {label}: {limits}\n" for label in LABELS) + rules
    lists = {"lists/terms/casino.txt": b"casino\n", "lists/terms/unheard.txt": b"xylophone orchestra\n"}
    return {"bundle.yaml": shared.encode(), "default.yaml": strategy.encode(), **(lists if rules else {})}


BASELINE = _make("1", 0.6, 0.97, "")
"""Knows no words, only the classifier."""
CANDIDATE = _make("2", 0.4, 0.9, _RULES)
"""Rejects casinos, and takes the classifier's word sooner."""
