"""`sluice demo`: try Sluice out without a Kafka."""

import os
import sys

from rich.console import Console


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
        run_demo(Console(), hold=os.environ.get("DEMO_HOLD") == "1")
    except DemoError as error:
        sys.stderr.write(f"sluice: {error}\n")
        sys.exit(1)
