#!/bin/sh
# Runs one of Kafka's Java programs: its main class, then its arguments.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
python=$root/.venv/bin/python
[ -x "$python" ] || python=python3
PYTHONPATH=$root exec "$python" -m deploy.kafka.tool "$@"
