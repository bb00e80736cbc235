"""What the demo prints: decisions as they come, their evidence marked; review queue, dead letters, a summary."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Message
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.contracts import dead_letter
from service.contracts.decision import Decision, Outcome, Reason
from service.contracts.review_task import ReviewTask

_COLOURS = {Outcome.APPROVE: "green", Outcome.REVIEW: "yellow", Outcome.REJECT: "red"}
_REASONS_SHOWN = 2
_CONTEXT_CHARS = 24


def show_decision(console: Console, decision: Decision, ad: Mapping[str, Any]) -> None:
    """Print one decision: outcome, ad, and for each of the weightiest reasons the marked evidence."""
    headline = str(ad["creative"].get("headline", ""))
    console.print(
        Text.assemble(
            (f"{decision.outcome.upper():8}", f"bold {_COLOURS[decision.outcome]}"),
            f"{decision.ad_id}  {ad['market']} {ad['vertical']:<9} ",
            (headline[:60], "bold"),
            (f"  {decision.processing_ms:.1f} ms", "dim"),
        )
    )
    for reason in decision.reasons[:_REASONS_SHOWN]:
        console.print(_show_reason(reason, ad))


def _show_reason(reason: Reason, ad: Mapping[str, Any]) -> Text:
    line = Text(f"         {reason.policy or 'no policy'}: {reason.source} {reason.id}", style="dim")
    if reason.score is not None:
        line.append(f" score {reason.score:.2f}" + (f" (limit {reason.threshold:.2f})" if reason.threshold else ""))
    for evidence in reason.evidence[:1]:
        line.append("  ")
        line.append(_mark(_text_of(ad, evidence.field), evidence.start, evidence.end))
    return line


def _text_of(ad: Mapping[str, Any], field: str) -> str:
    return str(ad["creative"].get(field.removeprefix("creative."), ""))


def _mark(text: str, start: int, end: int) -> Text:
    before, after = text[max(0, start - _CONTEXT_CHARS) : start], text[end : end + _CONTEXT_CHARS]
    return Text.assemble((before, "default"), (text[start:end], "bold reverse red"), (after, "default"))


def show_queue(console: Console, tasks: Sequence[ReviewTask]) -> None:
    """Print the review queue, the most harmful first."""
    table = Table(
        "priority", "ad", "policy", "suggested", "due (UTC)", "group", "headline", title="Review queue", expand=True
    )
    for task in sorted(tasks, key=lambda task: -task.priority):
        table.add_row(
            f"{task.priority:.2f}",
            task.ad_id,
            task.priority_policy or "–",
            task.suggested_outcome,
            f"{task.due_at:%H:%M}",
            task.group_key[:8],
            task.submission.creative.headline[:40],
        )
    console.print(table)


def show_dead_letters(console: Console, letters: Sequence[Message]) -> None:
    """Print the dead letters with the why from their headers."""
    table = Table("key", "error", "place", "message", title="Dead letters", expand=True)
    for letter in letters:
        headers = {name: (value or b"").decode() for name, value in letter.headers() or []}
        names = (dead_letter.CLASS_NAME, dead_letter.PLACE, dead_letter.MESSAGE)
        table.add_row((letter.key() or b"").decode("utf-8", "replace"), *(headers.get(name, "") for name in names))
    console.print(table)


def show_summary(console: Console, decisions: Sequence[Decision], tasks: int, letters: int) -> None:
    """Print how many ads came to what."""
    outcomes = Counter(decision.outcome for decision in decisions)
    counts = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in _COLOURS)
    console.print(
        f"\n[bold]Summary[/]: {len(decisions) + letters} submissions: {counts};"
        f" {tasks} review tasks; {letters} dead letters."
    )
