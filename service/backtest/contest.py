"""What a backtest compares, and how one ad fares in it: both bundles judge the same view with the same scores.

The steps are the heart's own (`service.moderate`), in the order in which a worker with a candidate takes them. Evidence
and decisions are not written for every ad, only for the examples: they change no outcome.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from service.answer import Judged, LiveBundle, Received
from service.backtest.verdicts import Verdict, Verdicts
from service.contracts.decision import Outcome
from service.moderate.judging import Grounds, Scores, judge_ad, score_ads
from service.rules import AdView
from service.strategy import Failure, rule_failure

OUTCOMES = (Outcome.APPROVE, Outcome.REVIEW, Outcome.REJECT)
"""From the most lenient to the strictest."""


class Contest(NamedTuple):
    """A candidate, what it is compared with (None: nothing), what people found, and when ads are decided.

    `as_of` None decides each ad as of its own `submitted_at`, so that an ad's result is a function of the ad alone.
    """

    candidate: LiveBundle
    baseline: LiveBundle | None
    verdicts: Verdicts
    as_of: datetime | None = None

    def name_time(self, received: Received) -> datetime:
        """Return when an ad is decided."""
        return self.as_of or received.submission.submitted_at


class Case(NamedTuple):
    """One ad, judged by both bundles; without a baseline both rulings are the candidate's."""

    received: Received
    ad: AdView
    as_of: datetime
    before: Judged
    after: Judged
    verdict: Verdict | None

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        """What the baseline and the candidate make of it."""
        return self.before.ruling.outcome, self.after.ruling.outcome

    @property
    def steps(self) -> int:
        """How much stricter the candidate is: -2 to 2."""
        before, after = self.outcomes
        return OUTCOMES.index(after) - OUTCOMES.index(before)

    @property
    def stricter(self) -> Judged:
        """The stricter of the two; the candidate's where they agree."""
        return self.before if self.steps < 0 else self.after


def judge(received: Sequence[Received], contest: Contest) -> Iterator[Case]:
    """Yield each ad's case, in order. Raises nothing for what an ad holds."""
    ads = [AdView(item.submission) for item in received]
    scored = score_ads(ads, contest.candidate.classifier)
    for item, ad, scores in zip(received, ads, scored, strict=True):
        as_of = contest.name_time(item)
        after = _judge_or_review(item, ad, scores, Grounds(contest.candidate, as_of))
        before = after
        if contest.baseline is not None:
            before = _judge_or_review(item, ad, scores, Grounds(contest.baseline, as_of))
        verdict = contest.verdicts.find(item.submission.ad_id, item.submission.revision)
        yield Case(item, ad, as_of, before, after, verdict)


def _judge_or_review(received: Received, ad: AdView, scored: Scores, grounds: Grounds) -> Judged:
    try:
        return judge_ad(received, ad, scored, grounds)
    except Exception as error:  # noqa: BLE001 - what cannot be judged goes to review, as it does in a worker
        failure = Failure("moderation_failed", f"{type(error).__name__}: {error}")
        ruling = rule_failure(failure, grounds.bundle.strategies.failure_sla_minutes)
        return Judged(received, None, None, ruling, (failure.id,))
