"""Writes a report for people (lines for a terminal), for programs (JSON), and for GitHub (annotations of a diff)."""

import json
from collections.abc import Iterator

from rich.text import Text

from service.linting.report import Cost, Report
from service.strategy import Problem

_STYLES = {"error": "bold red", "test failed": "bold red", "warning": "yellow"}


def _mark(report: Report) -> list[tuple[str, Problem]]:
    """Return (severity, problem) pairs in the order of their places."""
    marked = [("error", problem) for problem in report.errors]
    marked += [("warning", problem) for problem in report.warnings]
    marked += [("test failed", problem) for problem in report.failed_tests]
    return sorted(marked, key=lambda pair: (pair[1], pair[0]))


def write_lines(report: Report) -> Iterator[Text]:
    """Yield one line a problem, `file:line:column: what; remedy`; whatever is no error says what it is."""
    for severity, problem in _mark(report):
        line = Text(f"{problem.file}:{problem.line}:{problem.column}: ", style="bold")
        if severity != "error":
            line.append(f"{severity}: ", style=_STYLES[severity])
        line.append(problem.what, style=_STYLES["error"] if severity == "error" else "default")
        line.append(f"; {problem.remedy}", style="not bold default")
        yield line


def write_summary(report: Report) -> Text:
    """Return the last line: how many errors, warnings, tests, and what an ad costs."""
    parts = [_count(len(report.errors), "error"), _count(len(report.warnings), "warning")]
    failed = len(report.failed_tests)
    tests = f"{_count(report.tests - failed, 'test')} passed" + (f", {failed} failed" if failed else "")
    parts.append(tests if report.tests else "no tests ran")
    if report.cost:
        parts.append(_tell_cost(report.cost))
    return Text(
        ("ok: " if report.ok else "not ok: ") + ", ".join(parts), style="bold green" if report.ok else "bold red"
    )


def write_json(report: Report) -> str:
    """Return the report as one JSON object."""
    keys = {"error": "error", "warning": "warning", "test failed": "test"}
    problems = [{"kind": keys[severity], **problem._asdict()} for severity, problem in _mark(report)]
    summary = {
        "ok": report.ok,
        "errors": len(report.errors),
        "warnings": len(report.warnings),
        "tests": report.tests,
        "failed_tests": len(report.failed_tests),
        "cost": report.cost and {**report.cost._asdict(), "us_per_ad": round(report.cost.us_per_ad, 2)},
    }
    return json.dumps({**summary, "problems": problems}, ensure_ascii=False, indent=2)


def write_annotations(report: Report, folder: str) -> Iterator[str]:
    """Yield GitHub's workflow commands; `folder` leads from the repository's root to the bundle."""
    for severity, problem in _mark(report):
        level = "warning" if severity == "warning" else "error"
        file = _escape_property(f"{folder.rstrip('/')}/{problem.file}")
        title = "Strategy test failed" if severity == "test failed" else f"Strategy {level}"
        message = _escape(f"{problem.what}; {problem.remedy}")
        yield f"::{level} file={file},line={problem.line},col={problem.column},title={title}::{message}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number or 'no'} {noun}s"


def _tell_cost(cost: Cost) -> str:
    budget = f" of {cost.budget_us:g}" if cost.budget_us is not None else ""
    return f"{cost.us_per_ad:.1f}{budget} µs an ad"
