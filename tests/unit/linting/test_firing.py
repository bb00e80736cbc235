"""Rules that can never fire or always do."""

import pytest

from tests.unit.linting.conftest import Check

_RULES = """\
id: germany
owner: ads-policy-de
description: What is different in Germany.
scope: {market: DE}
rules:
  - id: odd
    policy: scam_fraud
    when:
"""


def _write(*conditions: str, match: str = "") -> dict[str, str]:
    when = "".join(f"      - {condition}\n" for condition in conditions)
    return {"germany.yaml": _RULES + when + (f"    match: {match}\n" if match else "") + "    action: review\n"}


def test_the_place_is_that_of_the_part(check: Check) -> None:
    """Of a long condition, the part that cannot hold is pointed at."""
    report = check(files=_write("landing.is_ip && advertiser.age_days < -2.0"))
    (error,) = report.errors
    assert str(error).startswith("germany.yaml:9:26: rule 'odd' can never fire: no ad meets `advertiser.age_days < -2")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("'landing.is_ip && landing.encoding_depth > 9'", 9, 27),
        ("|\n        landing.is_ip &&\n          landing.encoding_depth > 9", 11, 11),
    ],
)
def test_places_inside_quotes_and_blocks(text: str, line: int, column: int, check: Check) -> None:
    """A quotation mark moves the column, a block's text starts on the next line."""
    (error,) = check(files=_write(text)).errors
    assert (error.line, error.column) == (line, column)


def test_what_the_match_implies_counts(check: Check) -> None:
    """Where the only list must have hit, a condition that it has not can never hold."""
    (error,) = check(files=_write("'!(\"casino\" in term_hits)'", match="{terms: casino}")).errors
    assert "no ad meets" in error.what
    assert not check(files=_write("'!(\"promises\" in regex_hits)'", match="{terms: casino}")).errors


def test_a_rule_with_a_match_may_have_conditions_that_always_hold(check: Check) -> None:
    """It fires on hits alone, so the condition is idle, and no more than that."""
    report = check(files=_write("landing.given || !landing.given", match="{terms: casino}"))
    assert not report.errors
    assert [warning.remedy for warning in report.warnings] == ["remove the condition, or mend it"]


def test_rules_of_included_files_need_not_fit_each_scope(check: Check) -> None:
    """A shared rule on a market is no mistake of the German strategy that includes it."""
    shared = "rules:\n  - id: french\n    policy: scam_fraud\n    when: ad.market == 'FR'\n    action: review\n"
    start = _RULES.partition("rules:")[0]
    report = check(files={"rules/french.yaml": shared, "germany.yaml": start + "include: [rules/french.yaml]\n"})
    assert not report.errors


def test_a_rule_that_is_switched_off_is_left_alone(check: Check) -> None:
    """It does nothing on purpose."""
    files = _write("landing.encoding_depth > 9")
    files["germany.yaml"] += "    enabled: false\n"
    assert not check(files=files).errors


def test_a_mistake_that_loading_tells_is_not_told_again(check: Check) -> None:
    """A market that does not exist is one problem, though the rule could not fire either; others are still told."""
    files = _write("ad.market == 'UK'")
    files["austria.yaml"] = (
        _write("landing.encoding_depth > 9")["germany.yaml"].replace("germany", "austria").replace("DE}", "AT}")
    )
    assert [error.file for error in check(files=files).errors] == ["austria.yaml", "germany.yaml"]
