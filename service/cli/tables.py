"""Prints rows under headings: wrapped to a terminal's width, or one line a row where the output is a pipe."""

from collections.abc import Sequence

from rich.table import Table

from service.cli.running import out, show_safely


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; what rows hold came from others and is made safe to show."""
    safe = [[show_safely(cell).replace("\n", " ") for cell in row] for row in rows]
    if out.is_terminal:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in columns:
            table.add_column(name, overflow="fold")
        for row in safe:
            table.add_row(*row)
        out.print(table, soft_wrap=False)
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *safe, strict=True)]
    for row in [list(columns), *safe]:
        out.print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
