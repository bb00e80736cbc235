"""Tests that hold today and not later."""

import pytest

from service.answer import LiveBundle
from service.linting.fixed_scores import make_silent_classifier
from service.linting.later import find_later_failures
from service.strategy import compile_bundle
from tests.unit.linting.conftest import NOW, Change, change_base

_YOUNG = """
tests:
  - name: the young are looked at
    ad: {advertiser: {created_at: 2026-11-18T00:00:00Z}}
    expect: {outcome: review}
"""
_RULE: Change = (
    "default.yaml",
    "tests:\n",
    "  - {id: young, policy: scam_fraud, when: advertiser.age_days < 7.0, action: review}\ntests:\n",
)


def _find(*changes: Change, files: dict[str, str] | None = None) -> list[str]:
    bundle = compile_bundle(change_base(*changes, files=files))
    found = find_later_failures(LiveBundle(bundle, make_silent_classifier(["gambling", "scam_fraud"])), NOW)
    assert found.errors == ()
    return [str(problem) for problem in found.warnings]


def test_an_advertiser_grows_older() -> None:
    """What is young today is not for ever, so the test wants its time."""
    (warning,) = _find(_RULE, files={"tests/young.yaml": _YOUNG})
    assert warning.startswith(
        "tests/young.yaml:3:5: test 'the young are looked at' will fail by 2029-08-16: expected review"
    )
    timed = _YOUNG.replace("    expect", "    as_of: 2026-11-20T00:00:00Z\n    expect")
    assert _find(_RULE, files={"tests/young.yaml": timed}) == []


def test_what_fails_today_is_not_told_twice() -> None:
    """It is a failed test already."""
    assert _find(files={"tests/young.yaml": _YOUNG}) == []


@pytest.mark.parametrize(
    ("effective", "day"), [("from: 2027-01-01T00:00:00Z", "2027-01-01"), ("until: 2026-12-24T00:00:00Z", "2026-12-24")]
)
def test_a_strategy_begins_or_ends(effective: str, day: str) -> None:
    """A test that stands elsewhere is told with the day from which on it fails."""
    shops = f"id: shops\nowner: x\ndescription: y\nscope: {{vertical: retail}}\neffective: {{{effective}}}\n"
    shops += "rules:\n  - {id: casino-words, action: reject}\n"
    outcome = "reject" if "until" in effective else "review"
    tests = (
        f"tests:\n  - name: casino\n    ad: {{creative: {{headline: Casino}}}}\n    expect: {{outcome: {outcome}}}\n"
    )
    germany = ("germany.yaml", "scope: {market: DE}", "scope: {market: AT}")
    default = ("default.yaml", "expect: {outcome: review, rule: casino-words}", f"expect: {{outcome: {outcome}}}")
    found = _find(germany, default, files={"shops.yaml": shops, "tests/all.yaml": tests.replace("OUTCOME", outcome)})
    assert [line.partition(": expected")[0] for line in found] == [
        f"default.yaml:19:5: test 'an open casino is looked at' will fail by {day}",
        f"tests/all.yaml:2:5: test 'casino' will fail by {day}",
    ]
