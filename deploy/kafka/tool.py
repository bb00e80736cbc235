"""Becomes one of Kafka's Java programs: `python -m deploy.kafka.tool MAIN_CLASS [ARGUMENT ...]`."""

import os
import sys

from deploy.kafka.jars import UnavailableError, java_command


def main() -> int:
    """Replace this process by Java; returns (2) only if that is impossible, with one line on stderr that says why."""
    try:
        command = java_command("-Xmx256m")
        os.execv(command[0], [*command, *sys.argv[1:]])  # noqa: S606 - no shell is the point
    except UnavailableError as error:
        print(f"kafka: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
