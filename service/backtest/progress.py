"""Shows how far a backtest is: a bar on a terminal, else a line now and then; on stderr, so that results stay clean."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[float, int], None]
"""Takes how much of the source was read (in the source's own unit) and how many ads were decided."""

_LINE_EVERY_S = 10.0


@contextmanager
def show_progress(total: float | None, err: Console, clock_s: Callable[[], float] = time.monotonic) -> Iterator[Report]:
    """Give a function that shows progress towards `total`; None where nobody knows how much there is."""
    began_s = clock_s()
    if not err.is_terminal:
        yield _write_lines(total, err, began_s, clock_s)
        return
    columns = TextColumn("{task.fields[ads]:,} ads"), BarColumn(), TextColumn("{task.fields[rate]:,.0f} ads/s")
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as progress:
        task = progress.add_task("", total=total, ads=0, rate=0.0)

        def show(done: float, ads: int) -> None:
            progress.update(task, completed=done, ads=ads, rate=ads / max(clock_s() - began_s, 1e-9))

        yield show


def _write_lines(total: float | None, err: Console, began_s: float, clock_s: Callable[[], float]) -> Report:
    told_s = began_s

    def show(done: float, ads: int) -> None:
        nonlocal told_s
        now_s = clock_s()
        if now_s - told_s < _LINE_EVERY_S:
            return
        told_s, spent_s = now_s, now_s - began_s
        left = f", {(total - done) * spent_s / done:,.0f} s left" if total and done else ""
        err.print(f"{ads:,} ads, {ads / spent_s:,.0f} ads/s{left}")

    return show
