"""Measures what a bundle's rules cost an ad: CPU time of the text views and the rules, without the classifier."""

import gc
import time
from collections.abc import Sequence
from datetime import datetime

from service.contracts.submission import Submission
from service.linting.report import Cost
from service.rules.ad_view import AdView
from service.strategy import Bundle

REPEATS = 7
"""Passes over the sample; the fastest counts, since other programs only ever slow one down."""


def measure_cost(bundle: Bundle, ads: Sequence[Submission], as_of: datetime, budget_us: float | None) -> Cost:
    """Return the CPU time an ad, the least of several passes. It depends on the machine, so a budget wants slack."""
    scores = dict.fromkeys(bundle.policies, 0.0)
    collecting = gc.isenabled()
    gc.disable()
    try:
        passes = [_time_pass(bundle, ads, as_of, scores) for _ in range(REPEATS)]
    finally:
        if collecting:
            gc.enable()
    return Cost(min(passes) / len(ads) * 1e6, len(ads), budget_us)


def _time_pass(bundle: Bundle, ads: Sequence[Submission], as_of: datetime, scores: dict[str, float]) -> float:
    """Return the seconds of CPU time that one pass takes."""
    start = time.process_time()
    for ad in ads:
        bundle.strategy_for(ad, as_of).evaluate_rules([AdView(ad)], [scores], as_of)
    return time.process_time() - start
