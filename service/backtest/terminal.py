"""Shows a report on a terminal: the figures that are looked at first; the page and the JSON have all of them."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.backtest.examples import Example
from service.backtest.figures import Change, Share
from service.backtest.report import GateResult, Queue, Report, Slice
from service.backtest.wording import MEASURES, word_change, word_number, word_share, word_slice

_SHOWN_SLICES = 12
_SHOWN_RULES = 15
_SHOWN_EXAMPLES = 3


def show_report(report: Report, out: Console) -> None:
    """Print it. Styles are the console's affair: a pipe gets plain text."""
    ads = report.ads
    against = f" against {report.baseline.version} ({report.baseline.sha256[:12]})" if report.baseline else ""
    out.print(
        f"Bundle {report.candidate.version} ({report.candidate.sha256[:12]}){against}, {ads.decided:,} ads from "
        f"{ads.earliest} to {ads.latest}, {report.verdicts:,} with a verdict; model {report.model.id}"
    )
    if ads.unreadable:
        told = ", ".join(f"{count:,} {error}" for error, count in ads.unreadable.items())
        out.print(f"Not decided, because they cannot be read: {told}. The first: {ads.unreadable_told[0]}")
    out.print(_tabulate_measures(report.overall))
    if report.baseline:
        out.print(_tabulate_moves(report))
        out.print(_tabulate_slices(report.slices))
    out.print(_tabulate_rules(report))
    out.print(_tabulate_queue(report))
    for title, examples in (("stricter", report.stricter), ("less strict", report.looser)):
        _show_examples(title, examples, out)
    if report.gate is not None:
        show_gate(report.gate, out)


def show_gate(gate: GateResult, out: Console) -> None:
    """Print what came of a gate."""
    out.print(f"Gate: {'passed' if gate.passed else 'FAILED'}")
    for rule in gate.rules:
        out.print(f"  {'ok    ' if rule.passed else 'FAILED'} {rule.name}: {rule.text}")
        for broken in rule.broken:
            out.print(f"         {word_slice(broken.dimension, broken.value)}: {broken.text}")


def _make_table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _add(table: Table, cells: Iterable[str]) -> None:
    # As text: what an ad or a strategy says is never read as markup.
    table.add_row(*(Text(cell) for cell in cells))


def _tabulate_measures(overall: Slice) -> Table:
    table = _make_table("\nAll ads, intervals at 95 %", "", "ads", "candidate", "baseline", "change in points")
    for name, words in MEASURES.items():
        candidate: Share = getattr(overall.candidate, name)
        baseline: Share | None = getattr(overall.baseline, name) if overall.baseline else None
        change: Change | None = getattr(overall.changes, name, None)
        count = f"{candidate.count:,} of {candidate.of:,}"
        _add(
            table, (words, count, word_share(candidate), word_share(baseline) if baseline else "-", word_change(change))
        )
    return table


def _tabulate_moves(report: Report) -> Table:
    moved = report.overall.moved
    table = _make_table(f"\nMoved ads: {moved:,} of {report.overall.ads:,}", "policy", "from → to", "ads")
    for policy in report.moves_by_policy:
        for move in policy.moves:
            _add(table, (policy.policy or "(none)", f"{move.before} → {move.after}", f"{move.ads:,}"))
    return table


def _tabulate_slices(slices: Iterable[Slice]) -> Table:
    chosen = sorted((one for one in slices if one.moved), key=lambda one: (-one.moved, one.dimension, one.value))
    title = f"\nSlices with the most moved ads ({min(len(chosen), _SHOWN_SLICES)} of {len(chosen)})"
    table = _make_table(title, "slice", "ads", "moved", "rejected, points", "overkill of clean, points")
    for one in chosen[:_SHOWN_SLICES]:
        changes = one.changes
        rejected = word_change(changes.rejected if changes else None)
        overkilled = word_change(changes.overkilled_of_clean if changes else None)
        _add(table, (word_slice(one.dimension, one.value), f"{one.ads:,}", f"{one.moved:,}", rejected, overkilled))
    return table


def _tabulate_rules(report: Report) -> Table:
    known = [one for one in report.rules if one.candidate and one.candidate.hits]
    silent = sum(one.candidate is not None and not one.candidate.hits for one in report.rules)
    rules = sorted(known, key=lambda one: (-(one.candidate.hits if one.candidate else 0), one.rule))
    title = f"\nRules with the most hits ({min(len(rules), _SHOWN_RULES)} of {len(rules)}; {silent} others never hit)"
    table = _make_table(title, "rule", "hits", "alone", "baseline's hits", "precision")
    for rule in rules[:_SHOWN_RULES]:
        now, then = rule.candidate, rule.baseline
        precision = word_share(now.precision) if now else "-"
        counts = (f"{now.hits:,}" if now else "0", f"{now.alone:,}" if now else "0", f"{then.hits:,}" if then else "0")
        _add(table, (rule.rule, *counts, precision))
    return table


def _tabulate_queue(report: Report) -> Table:
    queue = report.queue
    assumed = f"{queue.minutes_a_task:g} minutes a task"
    assumed += "".join(f", {minutes:g} for {policy}" for policy, minutes in queue.minutes_by_policy.items())
    table = _make_table(f"\nReviewers' queue, at {assumed}", "", "tasks", "per 1,000 ads", "an hour", "reviewer hours")
    for name, load in (("candidate", queue.candidate), ("baseline", queue.baseline)):
        if load is not None:
            _add(table, (name, *_word_load(load)))
    return table


def _word_load(load: Queue) -> tuple[str, str, str, str]:
    hours = word_number(load.reviewer_hours, 1)
    return word_number(load.tasks), word_number(load.per_1000_ads, 1), word_number(load.per_hour, 1), hours


def _show_examples(title: str, examples: tuple[Example, ...], out: Console) -> None:
    if not examples:
        return
    shown = min(len(examples), _SHOWN_EXAMPLES)
    out.print(f"\nMost telling ads that the candidate decides {title} ({shown} of {len(examples)})")
    for one in examples[:_SHOWN_EXAMPLES]:
        wrong = f", verdict: {one.verdict}" if one.verdict != "not_looked_at" else ""
        out.print(f"  {one.ad_id} ({one.place}): {one.before} → {one.after}, {one.policy or 'no policy'}{wrong}")
        for reason in (one.reasons_after if one.after != "approve" else one.reasons_before)[:2]:
            out.print(f"    {reason}")
        for passage in one.passages:
            if any(part.marked for part in passage.parts):
                text = Text(f"    {passage.field}: ")
                for part in passage.parts:
                    text.append(f"[{part.text}]" if part.marked else part.text, "bold reverse" if part.marked else "")
                out.print(text)
