"""What a bundle costs its reviewers: tasks, tasks an hour, hours of work at an assumed time a task."""

from datetime import timedelta
from typing import NamedTuple

from service.backtest.figures import tidy
from service.backtest.report import Queue, QueueFigures
from service.backtest.tally import Arm, ArmTally, Tally

DEFAULT_MINUTES = 2.0
_SHORTEST_SPAN = timedelta(minutes=1)


class ReviewMinutes(NamedTuple):
    """How long a reviewer works on a task, in minutes: in general, and where the task's first policy is a named one."""

    general: float = DEFAULT_MINUTES
    by_policy: tuple[tuple[str, float], ...] = ()

    def of(self, policy: str) -> float:
        """Return the minutes of a task that is queued for `policy`."""
        return dict(self.by_policy).get(policy, self.general)


def summarise_queue(tally: Tally, minutes: ReviewMinutes, *, compared: bool) -> QueueFigures:
    """Return the load under both bundles."""
    return QueueFigures(
        minutes_a_task=minutes.general,
        minutes_by_policy=dict(sorted(minutes.by_policy)),
        candidate=_load(tally, tally.arms[Arm.CANDIDATE], minutes),
        baseline=_load(tally, tally.arms[Arm.BASELINE], minutes) if compared else None,
    )


def _load(tally: Tally, arm: ArmTally, minutes: ReviewMinutes) -> Queue:
    tasks = arm.tasks.total()
    # In the policies' order: sums of floats depend on theirs.
    hours = sum(minutes.of(policy) * arm.tasks[policy] for policy in sorted(arm.tasks)) / 60
    span = tally.latest - tally.earliest if tally.earliest and tally.latest else timedelta()
    return Queue(
        tasks=tasks,
        per_1000_ads=tidy(1_000 * tasks / tally.ads) if tally.ads else None,
        per_hour=tidy(tasks / (span / timedelta(hours=1))) if span >= _SHORTEST_SPAN else None,
        reviewer_hours=tidy(hours),
        reviewer_hours_per_1000_ads=tidy(1_000 * hours / tally.ads) if tally.ads else None,
    )
