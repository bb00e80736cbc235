"""Strategists' tests, run by the real `moderate` with the shipped model."""

# ruff: noqa: E501 - a change stands as it is read

from datetime import UTC, datetime

import pytest

from service.answer import LiveBundle
from service.classifier import Classifier, load_classifier
from service.linting.testing import RanTests, run_tests
from service.shipped import shipped_path
from service.strategy import compile_bundle
from tests.unit.linting.conftest import NOW, Change, change_base

_POLICY = """
    title: x
    ground: {kind: terms, reference: x}
    message: x
    harm_weight: 1.0
    review_sla_minutes: 60
"""


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """Return the model that ships."""
    return load_classifier(shipped_path("models/stage_a"))


def _run(classifier: Classifier, *changes: Change, now: datetime = NOW) -> RanTests:
    # A real classifier scores more than the base bundle's two policies.
    more = "".join(f"  {label}:{_POLICY}" for label in classifier.labels if label not in {"gambling", "scam_fraud"})
    files = change_base(("bundle.yaml", "policies:\n", f"policies:\n{more}"), *changes)
    return run_tests(LiveBundle(compile_bundle(files), classifier), now)


def test_tests_that_hold_say_nothing(classifier: Classifier) -> None:
    """They are counted."""
    assert _run(classifier) == RanTests(2, ())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            ("germany.yaml", "expect: {outcome: approve, rule: licensed}", "expect: {outcome: approve, not_rule: licensed}"),
            "test 'a licence answers the score': rule 'licensed' fired. Why: rule licensed (gambling: approve",
        ),
        (
            ("germany.yaml", "expect: {outcome: approve,", "expect: {strategy: default, outcome: approve,"),
            "test 'a licence answers the score': strategy 'germany' applied, not 'default'. Why: ",
        ),
        (
            ("germany.yaml", "ad: {attributes: {licence: GGL-1}}", "ad: {}"),
            "test 'a licence answers the score': expected approve, came out reject; rule 'licensed' did not fire. Why: score 0.95 against 0.9 (gambling: reject)",
        ),
        (
            ("default.yaml", "The grand casino opens tonight", "The grand opening is tonight"),
            "test 'an open casino is looked at': expected review, came out approve; rule 'casino-words' did not fire. No rule fired, score ",
        ),
    ],
)  # fmt: skip
def test_what_came_out_is_told_with_its_reasons(change: Change, what: str, classifier: Classifier) -> None:
    """Each way to differ, with rules, scores and thresholds."""
    (problem,) = _run(classifier, change).failed
    assert problem.what.startswith(what)
    assert problem.remedy == "mend the strategy, or expect what came out"


@pytest.mark.parametrize(
    ("effective", "now"),
    [
        ("{from: 2027-01-01T00:00:00Z}", NOW),
        ("{until: 2026-11-01T00:00:00Z}", NOW),
        ("{from: 2026-01-01T00:00:00Z}", datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_test_is_decided_while_its_strategy_applies(effective: str, now: datetime, classifier: Classifier) -> None:
    """A strategy that begins later, or is over, can still be tried; a test with its own time keeps that."""
    change = ("germany.yaml", "scope:", f"effective: {effective}\nscope:")
    assert _run(classifier, change, now=now).failed == ()
    timed = ("germany.yaml", "    expect:", "    as_of: 2026-11-20T00:00:00Z\n    expect:")
    failed = _run(classifier, change, timed, now=now).failed
    assert bool(failed) == ("2026-01-01" not in effective)
