"""A worker whose rules fail on marked ads while a file exists: a wrong deployment, for the tests of the guard.

Everything but the strategy's rules is the real worker. Usage: python -m tests.integration.failing_worker FILE
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import uvloop

from service.answer import LiveBundle
from service.bootstrap import load_live_bundle, prepare_worker
from service.contracts.submission import Submission
from service.observability.logs import configure_logs
from service.rules import AdView
from service.settings import load_settings
from service.strategy import Bundle, RuleResult
from service.worker.run import run_worker

MARK = "cursed"
"""In an ad's headline, it makes moderation of the ad fail."""


class FailingStrategy:
    """A strategy whose rules raise on marked ads while `broken` exists; all else is the real one's."""

    def __init__(self, real: Any, broken: Path) -> None:  # noqa: ANN401 - stands in for any strategy
        self._real = real
        self._broken = broken

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - passed on
        return getattr(self._real, name)

    def evaluate_rules(
        self, ads: Sequence[AdView], scores: Sequence[Mapping[str, float]] | None, as_of: datetime
    ) -> list[list[RuleResult]]:
        """Raise for a marked ad."""
        if self._broken.exists() and any(MARK in ad.submission.creative.headline for ad in ads):
            raise RuntimeError("these rules were deployed by mistake")
        return cast("list[list[RuleResult]]", self._real.evaluate_rules(ads, scores, as_of))


class FailingBundle:
    """The real bundle, with failing strategies."""

    def __init__(self, real: Bundle, broken: Path) -> None:
        self._real = real
        self._broken = broken

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - passed on
        return getattr(self._real, name)

    def strategy_for(self, submission: Submission, as_of: datetime) -> FailingStrategy:
        """Return the strategy for an ad, made to fail."""
        return FailingStrategy(self._real.strategy_for(submission, as_of), self._broken)


def main(broken: Path) -> int:
    """Run the worker and return its exit code."""
    settings = load_settings()
    configure_logs(settings.log_level, build="failing")
    bundle = load_live_bundle(settings)
    failing = LiveBundle(cast("Bundle", FailingBundle(bundle.strategies, broken)), bundle.classifier)
    return uvloop.run(run_worker(settings, prepare_worker(settings, failing)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
