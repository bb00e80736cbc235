"""Words the difference of two bundles for a terminal, and as JSON."""

from typing import Any

from service.cli.running import show_safely
from service.release.diff import BundleDiff, Change, ListChange

_SHOWN_ENTRIES = 20
_LONGEST_VALUE = 200
_MARKS = {"added": "+", "removed": "-", "changed": "~"}


def describe_diff(diff: BundleDiff) -> str:
    """Return the differences, one a line, under the strategy or file they stand in."""
    lines: list[str] = []
    last = ""
    for change in diff.changes:
        label, *rest = change.where
        if not rest:
            lines.append(_describe_change(change, label))
            continue
        if label != last:
            lines.append(f"  {label}")
            last = label
        lines.append("  " + _describe_change(change, " › ".join(rest)))
    for one in diff.lists:
        lines += _describe_list(one)
    return show_safely("\n".join(lines)) if lines else "No difference."


def to_json(diff: BundleDiff) -> dict[str, Any]:
    """Return the differences as one object; lists in full."""
    return {
        "changes": [change._asdict() for change in diff.changes],
        "lists": [change._asdict() for change in diff.lists],
    }


def _describe_change(change: Change, name: str) -> str:
    old, new = (value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "…" for value in change[2:])
    told = f"{old} → {new}" if change.kind == "changed" else old or new
    return f"{_MARKS[change.kind]} {name}" + (f": {told}" if told else "")


def _describe_list(change: ListChange) -> list[str]:
    lines = [f"  {change.file}: {len(change.added):,} added, {len(change.removed):,} removed"]
    for mark, entries in (("+", change.added), ("-", change.removed)):
        lines += [f"  {mark} {entry}" for entry in entries[:_SHOWN_ENTRIES]]
        if len(entries) > _SHOWN_ENTRIES:
            lines.append(f"  {mark} … and {len(entries) - _SHOWN_ENTRIES:,} more")
    return lines
