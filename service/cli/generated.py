"""`sluice schemas`: write every file that is generated from code, or with --check say which are stale."""

import sys
from pathlib import Path

from service.backtest.json_schemas import render_backtest_schemas
from service.cli.settings import insert_settings
from service.contracts.generated import SCHEMAS_DIR, find_stale, render_all, write_all
from service.observability.table import render_catalogue_markdown
from service.strategy.json_schemas import render_strategy_schemas


def write_schemas(*, check: bool = False, root: Path = Path()) -> None:
    """Write schemas, the AsyncAPI document, the metrics' table and the README's settings into the checkout.

    Parameters
    ----------
    check
        Write nothing; name the stale files and exit with 1 if there are any.
    root
        The checkout.

    """
    rendered = render_generated(root)
    if check:
        faults = find_stale(root, rendered)
        sys.stderr.writelines(f"{fault}\n" for fault in faults)
        sys.exit(1 if faults else 0)
    sys.stdout.writelines(f"wrote {name}\n" for name in write_all(root, rendered))


def render_generated(root: Path) -> dict[str, str]:
    """Return every file of the checkout that is generated: its text by its path."""
    schemas = {**render_strategy_schemas(), **render_backtest_schemas()}
    return {
        **render_all(root / "deploy" / "topics.yaml"),
        **{(SCHEMAS_DIR / name).as_posix(): text for name, text in schemas.items()},
        "deploy/metrics.md": render_catalogue_markdown(),
        "README.md": insert_settings((root / "README.md").read_text(encoding="utf-8")),
    }
