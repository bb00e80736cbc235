"""Finds tests that hold today and will not later: a strategy begins or ends, or an advertiser grows older.

A worker that starts then would refuse the bundle that it has run by all along.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from service.answer import LiveBundle
from service.linting.report import Findings
from service.linting.testing import find_failing
from service.strategy import Problem
from service.strategy.strategists_tests import StrategyTest

_FAR = timedelta(days=1_000)
"""Nobody is new then who is today."""
_REMEDY = "give the test 'as_of', the time that it is about"


def find_later_failures(bundle: LiveBundle, now: datetime) -> Findings:
    """Return a warning for each test without `as_of` that holds now and fails at a later moment; once for the first."""
    timeless = [test for test in bundle.strategies.tests if test.as_of is None]
    told = {problem[:3] for problem in find_failing(timeless, bundle, now)}
    warnings = []
    for moment, tests in _list_moments(bundle, timeless, now):
        for problem in find_failing(tests, bundle, moment):
            if problem[:3] not in told:
                told.add(problem[:3])
                warnings.append(_warn(problem, moment))
    return Findings(warnings=tuple(warnings))


def _list_moments(
    bundle: LiveBundle, tests: list[StrategyTest], now: datetime
) -> Iterator[tuple[datetime, list[StrategyTest]]]:
    """Yield each moment at which strategies change, with the tests that they change for; then one far from now."""
    periods = [layer.strategy.effective for layer in bundle.strategies.layers]
    turns = {turn for period in periods for turn in (period.start, period.until) if turn and turn > now}
    choose = bundle.strategies.strategy_for
    for turn in sorted(turns):
        yield turn, [test for test in tests if choose(test.submission, turn) is not choose(test.submission, now)]
    yield max([now, *turns]) + _FAR, tests


def _warn(problem: Problem, moment: datetime) -> Problem:
    test, _, rest = problem.what.partition("': ")
    return problem._replace(what=f"{test}' will fail by {moment.date()}: {rest}", remedy=_REMEDY)
