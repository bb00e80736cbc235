"""Shows, after the golden cases, those that policy staff want decided otherwise."""

import pytest

from tests.golden.reading import read_cases


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the cases with a wish that is not met yet."""
    wishes = {name: case for name, case in read_cases().items() if case.wanted}
    if wishes:
        terminalreporter.write_sep("-", "golden cases that ought to be decided otherwise")
    for name, case in wishes.items():
        terminalreporter.write_line(f"{name}: is {case.outcome}, wanted {case.wanted} ({case.why})")
