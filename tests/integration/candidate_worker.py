"""A worker whose candidates of certain versions raise on every ad or burn time on it: for the tests of the shadow.

Everything but those bundles' strategies is the real worker. A candidate "raises" or "slow" passes its rehearsal, as one
does that only real traffic shows to be bad.
"""

import sys
import time
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import uvloop

from service.answer import LiveBundle
from service.bootstrap import load_worker
from service.contracts.submission import Submission
from service.observability.logs import configure_logs
from service.settings import load_settings
from service.strategy import Bundle, BundleFiles, CompiledStrategy
from service.worker.run import run_worker

RAISES, SLOW = "raises", "slow"
_SLOW_S = 0.02


class BadBundle:
    """The real bundle, but whoever asks for a strategy waits or gets an error."""

    def __init__(self, real: Bundle) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - passed on
        return getattr(self._real, name)

    def strategy_for(self, submission: Submission, as_of: datetime) -> CompiledStrategy:
        """Raise, or return the strategy after 20 ms of work."""
        if self._real.version == RAISES:
            raise RuntimeError("this candidate raises on every ad")
        until_s = time.thread_time() + _SLOW_S
        while time.thread_time() < until_s:
            pass
        return self._real.strategy_for(submission, as_of)


def main() -> int:
    """Run the worker and return its exit code."""
    settings = load_settings()
    configure_logs(settings.log_level, build="bad candidates")
    loaded = load_worker(settings)

    def prepare(files: BundleFiles, reuse: LiveBundle | None, published_at: datetime) -> LiveBundle:
        made = loaded.prepare(files, reuse, published_at)
        if made.strategies.version not in {RAISES, SLOW}:
            return made
        return made._replace(strategies=cast("Bundle", BadBundle(made.strategies)))

    return uvloop.run(run_worker(settings, replace(loaded, prepare=prepare)))


if __name__ == "__main__":
    sys.exit(main())
