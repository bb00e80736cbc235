"""Looks at a bundle before it can run: strategists' own tests, rules that cannot work, entries that hit too much.

Above `moderate`, whose function runs the tests; below the command line. The door: `check_bundle` for `sluice strategy
check`, `run_tests` for a worker that is about to swap.
"""

from service.linting.check import check_bundle
from service.linting.report import Report
from service.linting.testing import RanTests, run_tests

__all__ = ["RanTests", "Report", "check_bundle", "run_tests"]
