"""Entries that hit what is in order."""

import pytest

from tests.unit.linting.conftest import Check

CLASS = {"lists/terms/casino.txt": "casino\n  class*  # too wide\n"}


def test_an_entry_that_restricts_alone_is_an_error(check: Check) -> None:
    """A rule without conditions acts on the hit; the place is the entry's."""
    (error,) = check(files=CLASS).errors
    assert str(error).startswith("lists/terms/casino.txt:2:3: entry 'class*' hits the everyday word '")


def test_an_entry_that_needs_more_to_restrict_is_a_warning(check: Check) -> None:
    """With a condition beside the match, a wide word may be meant."""
    report = check(
        ("default.yaml", "match: {terms: casino}", "match: {terms: casino}\n    when: landing.is_ip"), files=CLASS
    )
    assert not report.errors
    assert "entry 'class*' hits the everyday word" in report.warnings[0].what


@pytest.mark.parametrize("entry", ["casinos", "klassenkampf", "kazino*"])
def test_an_entry_that_hits_nothing_ordinary(entry: str, check: Check) -> None:
    """Nothing is told of it."""
    report = check(files={"lists/terms/casino.txt": f"casino\n{entry}\n"})
    assert (report.errors, report.warnings) == ((), ())


def test_a_pattern_is_tried_on_the_ads_too(check: Check) -> None:
    """How many it hits is told, and one of them."""
    (error,) = check(files={"lists/regexes/promises.txt": "[0-9]{3}\n"}).errors
    assert " % of the sample ads, such as '" in error.what
    assert error.remedy == "write a narrower pattern"
