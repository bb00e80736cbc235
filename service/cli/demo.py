"""`sluice demo`: try Sluice out without a Kafka."""

import os
import sys

from rich.console import Console

_PLAIN_COLUMNS = 140


def demo() -> None:
    """Run the real worker on an embedded broker and show what became of mixed ads; DEMO_HOLD=1 keeps it up."""
    try:
        from service.demo.run import DemoError, run_demo  # noqa: PLC0415 - needs the extra `demo`
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"sluice: the demo needs {error.name}; install the extra: pip install 'sluice-moderation[demo]'\n"
        )
        sys.exit(2)
    try:
        run_demo(_open_console(), hold=os.environ.get("DEMO_HOLD") == "1")
    except DemoError as error:
        sys.stderr.write(f"sluice: {error}\n")
        sys.exit(1)


def _open_console() -> Console:
    # Where the output is no terminal, rich would assume 80 columns and fold every line.
    return Console() if sys.stdout.isatty() else Console(width=_PLAIN_COLUMNS)
