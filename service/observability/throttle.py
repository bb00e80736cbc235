"""Keeps one recurring message of a library from filling the log: told once a minute, with how often it was left out."""

import logging
import time
from collections.abc import Callable


class Throttle(logging.Filter):
    """Passes a message's first record a minute; the next that passes says how many were held back.

    A message is its logger and template, so the same retry about another partition counts as the same.
    """

    def __init__(self, interval_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._interval_s = interval_s
        self._clock = clock
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged."""
        key = record.name, str(record.msg)
        now_s = self._clock()
        told_s, held = self._last.get(key, (float("-inf"), 0))
        if now_s - told_s < self._interval_s:
            self._last[key] = told_s, held + 1
            return False
        self._last[key] = now_s, 0
        if held:
            record.msg = f"{record.msg} ({held} more like it in the last {now_s - told_s:.0f} s)"
        return True
