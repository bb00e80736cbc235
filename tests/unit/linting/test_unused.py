"""What nothing uses."""

from tests.unit.linting.conftest import Check


def test_a_list_that_only_a_condition_names_is_used(check: Check) -> None:
    """A condition's text counts as well as a match."""
    rule = "  - id: odd\n    policy: scam_fraud\n    when: '\"poker\" in term_hits'\n    action: review\n"
    report = check(
        ("default.yaml", "tests:\n", rule + "tests:\n"),
        files={"lists/terms/poker.txt": "poker night\n", "lists/terms/dice.txt": "dice tables\n"},
    )
    assert [str(warning) for warning in report.warnings] == [
        "lists/terms/dice.txt:1:1: no rule uses the list 'dice'; name it in a match, or delete it"
    ]


def test_a_strategy_that_begins_later_is_in_order(check: Check) -> None:
    """Only what is over is told."""
    later = ("germany.yaml", "scope:", "effective: {from: 2027-01-01T00:00:00Z}\nscope:")
    assert check(later).warnings == ()
    over = ("germany.yaml", "scope:", "effective: {until: 2026-11-20T00:00:00Z}\nscope:")
    assert "ended on 2026-11-20" in check(over).warnings[0].what
