"""Rules that restrict ordinary ads."""

from tests.unit.linting.conftest import Check

_GERMANY = """\
id: germany
owner: x
description: y
scope: {vertical: retail}
rules:
  - {id: wide, policy: gambling, when: landing.given, %s}
"""


def test_a_wide_rule_is_told_with_an_example(check: Check) -> None:
    """The share is that of the ads which the rule is asked about."""
    (warning,) = check(files={"germany.yaml": _GERMANY % "action: review"}).warnings
    assert str(warning).startswith("germany.yaml:6:10: rule 'wide' restricts 100.0 % of the sample ads here, such as '")


def test_what_restricts_nobody_may_be_wide(check: Check) -> None:
    """An approval, or a score that is moved, does no harm."""
    assert check(files={"germany.yaml": _GERMANY % "action: approve"}).warnings == ()
    assert check(files={"germany.yaml": _GERMANY % "action: lower, by: 0.1"}).warnings == ()
