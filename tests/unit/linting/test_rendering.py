"""How a report reads: for people, for programs, for GitHub."""

# ruff: noqa: E501 - a line stands as it is read

import json

from service.linting.rendering import write_annotations, write_json, write_lines, write_summary
from service.linting.report import Cost, Report
from service.strategy import Problem

ERROR = Problem("default.yaml", 9, 5, "unknown policy 'x'", "did you mean 'y'?")
WARNING = Problem("default.yaml", 3, 1, "odd", "look again")
FAILED = Problem("tests/a.yaml", 2, 5, "50% of\nit", "mend it")
REPORT = Report((ERROR,), (WARNING,), (FAILED,), 4, Cost(12.34, 480, 60.0))


def test_lines_stand_in_the_order_of_places() -> None:
    """An error is bare, as loading prints it; a warning and a failed test say what they are."""
    assert [line.plain for line in write_lines(REPORT)] == [
        "default.yaml:3:1: warning: odd; look again",
        "default.yaml:9:5: unknown policy 'x'; did you mean 'y'?",
        "tests/a.yaml:2:5: test failed: 50% of\nit; mend it",
    ]


def test_the_summary_counts() -> None:
    """One line says whether the bundle can go on."""
    assert write_summary(REPORT).plain == ("not ok: 1 error, 1 warning, 3 tests passed, 1 failed, 12.3 of 60 µs an ad")
    assert write_summary(Report((), ())).plain == "ok: no errors, no warnings, no tests ran"


def test_json_holds_everything() -> None:
    """One object, the problems in it in order."""
    told = json.loads(write_json(REPORT))
    assert told["ok"] is False
    assert told["cost"] == {"us_per_ad": 12.34, "ads": 480, "budget_us": 60.0}
    assert [problem["kind"] for problem in told["problems"]] == ["warning", "error", "test"]
    assert told["problems"][1] == {"kind": "error", **ERROR._asdict()}


def test_annotations_are_escaped() -> None:
    """GitHub reads a command a line; per cent signs and line ends in a text must not end it."""
    assert [*write_annotations(REPORT, "deploy/a,b/")] == [
        "::warning file=deploy/a%2Cb/default.yaml,line=3,col=1,title=Strategy warning::odd; look again",
        "::error file=deploy/a%2Cb/default.yaml,line=9,col=5,title=Strategy error::unknown policy 'x'; did you mean 'y'?",
        "::error file=deploy/a%2Cb/tests/a.yaml,line=2,col=5,title=Strategy test failed::50%25 of%0Ait; mend it",
    ]
