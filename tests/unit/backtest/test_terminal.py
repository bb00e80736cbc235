"""What a terminal shows of a report."""

import io
from collections.abc import Callable

from rich.console import Console

from service.backtest.gate import judge_gate
from service.backtest.gate_file import Gate
from service.backtest.progress import show_progress
from service.backtest.tally import Tally
from service.backtest.terminal import show_report
from service.backtest.verdicts import Verdicts
from tests.unit.backtest.conftest import make_contest, mix, record
from tests.unit.backtest.test_page import make_report


def _show(report: object) -> str:
    to = io.StringIO()
    show_report(report, Console(file=to, width=160, markup=False, emoji=False))  # type: ignore[arg-type]
    return to.getvalue()


def test_the_report_is_shown(judge_verdicts: Callable[..., Verdicts]) -> None:
    """Figures with intervals, moved ads, rules, queue, examples, gate; an ad's brackets are no markup."""
    verdicts = judge_verdicts(*({"ad_id": f"ad-{number}", "violates": number % 2 == 0} for number in range(100)))
    report = make_report([*mix(100), record("poker [bold]", 500)], make_contest(verdicts))
    gate = Gate.model_validate(
        {"schema_version": 1, "rules": [{"name": "nothing", "measure": "rejected", "may_grow_points": 1}]}
    )
    shown = _show(report.model_copy(update={"gate": judge_gate(gate, Tally())}))
    for expected in (
        "Not decided, because they cannot be read: 9 not_json", "Overkill: rejected, of clean ads", "review → reject",
        "casino-words", "Reviewers' queue, at 2 minutes a task, 4.5 for gambling", "[poker]", "Gate: FAILED",
        "nothing was judged", "Market ",
    ):  # fmt: skip
        assert expected in shown, expected


def test_without_a_baseline_there_are_no_changes() -> None:
    """Only the candidate's own figures."""
    shown = _show(make_report(mix(50), make_contest(compared=False)))
    assert "Moved ads" not in shown
    assert "against" not in shown.splitlines()[0]


def test_progress_is_lines_where_there_is_no_terminal() -> None:
    """One every ten seconds, with the rate and the time that is left."""
    to, now = io.StringIO(), [0.0]
    with show_progress(1_000, Console(file=to, width=100), lambda: now[0]) as show:
        for second in range(1, 26):
            now[0] = float(second)
            show(second * 10, second * 100)
    assert to.getvalue().splitlines() == ["1,000 ads, 100 ads/s, 90 s left", "2,000 ads, 100 ads/s, 80 s left"]


def test_progress_is_a_bar_on_a_terminal() -> None:
    """With the number of ads and the rate."""
    to = io.StringIO()
    with show_progress(100, Console(file=to, width=100, force_terminal=True)) as show:
        show(50, 1_234)
    assert "1,234 ads" in to.getvalue()
