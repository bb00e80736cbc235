"""Runs strategists' own tests through the real `moderate`, and tells what came out where one fails, and why.

`sluice strategy check` runs them before a bundle is published, a worker again before it swaps to the bundle.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from service.answer import LiveBundle, Received
from service.contracts.decision import Decision, Origin, Reason, Source
from service.linting.fixed_scores import fix_scores
from service.moderate import moderate
from service.strategy import Problem
from service.strategy.expectations import Expectation
from service.strategy.schema import Period, Threshold
from service.strategy.strategists_tests import StrategyTest

_TOLD_REASONS = 4
_MOMENT = timedelta(seconds=1)
_REMEDY = "mend the strategy, or expect what came out"


class RanTests(NamedTuple):
    """How many tests ran, and a problem for each that failed, at its place."""

    ran: int
    failed: tuple[Problem, ...]


def run_tests(bundle: LiveBundle, now: datetime) -> RanTests:
    """Run all tests that stand in a bundle, with its classifier. Never raises on a test, whatever it says.

    A test that names no time is decided now, or at the nearest moment at which the strategy it stands in applies.
    """
    tests = bundle.strategies.tests
    return RanTests(len(tests), tuple(sorted(find_failing(tests, bundle, now))))


def find_failing(tests: Iterable[StrategyTest], bundle: LiveBundle, now: datetime) -> list[Problem]:
    """Return a problem for each of some of a bundle's tests that fails; see `run_tests`."""
    periods = {layer.document.file: layer.strategy.effective for layer in bundle.strategies.layers}
    plain: dict[datetime, list[_Timed]] = {}
    failed: list[Problem] = []
    for test in tests:
        item = _Timed(test, test.as_of or _move_into(periods.get(test.where.file, Period()), now))
        if test.scores:
            failed += _run([item], bundle)
        else:
            plain.setdefault(item.as_of, []).append(item)
    # Ads that the classifier itself scores are decided together, as in a worker: an ad does not see its neighbours.
    for batch in plain.values():
        failed += _run(batch, bundle)
    return failed


class _Timed(NamedTuple):
    """A test and the moment that it is decided at."""

    test: StrategyTest
    as_of: datetime


def _run(batch: Sequence[_Timed], bundle: LiveBundle) -> list[Problem]:
    """Return the problems of tests of one moment; those with scores come alone."""
    as_of, scores = batch[0].as_of, batch[0].test.scores
    origin = Origin(topic="test", partition=0, offset=0)
    received = [Received(test.submission, origin, as_of) for test, _ in batch]
    try:
        asked = bundle._replace(classifier=fix_scores(bundle.classifier, scores))
        decisions = [moderated.decision for moderated in moderate(received, asked, as_of)]
    except Exception as error:  # noqa: BLE001 - one test must not hide the others
        if len(batch) > 1:
            return [problem for item in batch for problem in _run([item], bundle)]
        return [_tell(batch[0].test, f"cannot run: {type(error).__name__}: {error}", "mend the test")]
    compared = zip(batch, decisions, strict=True)
    return [problem for item, decision in compared if (problem := _judge(item, decision, bundle))]


def _judge(item: _Timed, decision: Decision, bundle: LiveBundle) -> Problem | None:
    """Return the problem at the test's place, or None where what is expected came out."""
    wrong = _compare(item.test.expect, decision)
    if not wrong:
        return None
    strategy = bundle.strategies.strategy_for(item.test.submission, item.as_of)
    policies = item.test.expect.policy or tuple(item.test.scores)
    why = _explain_reasons(decision) + _explain_scores(decision, strategy.thresholds, policies)
    return _tell(item.test, f"{'; '.join(wrong)}. {why}", _REMEDY)


def _move_into(effective: Period, now: datetime) -> datetime:
    if effective.start and now < effective.start:
        return effective.start
    if effective.until and now >= effective.until:
        # The last moment before the end: an ended strategy's tests still say what it did.
        return effective.until - _MOMENT
    return now


def _compare(expect: Expectation, decision: Decision) -> list[str]:
    """Return what differs from the expectation."""
    wrong = []
    if decision.outcome is not expect.outcome:
        wrong.append(f"expected {expect.outcome.value}, came out {decision.outcome.value}")
    policies = {reason.policy for reason in decision.reasons}
    wrong += [f"no reason names policy '{policy}'" for policy in expect.policy if policy not in policies]
    fired = {reason.id for reason in decision.reasons if reason.source is Source.RULE}
    wrong += [f"rule '{rule}' did not fire" for rule in expect.rule if rule not in fired]
    wrong += [f"rule '{rule}' fired" for rule in expect.not_rule if rule in fired]
    applied = decision.strategy.id if decision.strategy else "none"
    if expect.strategy is not None and applied != expect.strategy:
        wrong.append(f"strategy '{applied}' applied, not '{expect.strategy}'")
    return wrong


def _explain_reasons(decision: Decision) -> str:
    if not decision.reasons:
        return "No rule fired"
    told = [_describe(reason) for reason in decision.reasons[:_TOLD_REASONS]]
    more = len(decision.reasons) - len(told)
    return f"Why: {', '.join(told)}{f', and {more} more' if more else ''}"


def _explain_scores(decision: Decision, thresholds: Mapping[str, Threshold], policies: Sequence[str]) -> str:
    """Return how far from their thresholds the scores in question lie; those that gave a reason are told already."""
    told = {reason.policy for reason in decision.reasons if reason.source is Source.MODEL}
    judged = [policy for policy in decision.scores if policy in thresholds and policy not in told]
    asked = [policy for policy in policies if policy in judged]
    if judged and not asked and not told:
        asked = [max(judged, key=lambda policy: decision.scores[policy])]
    scores = [
        f"score {policy} {decision.scores[policy]:.4g} (review from {limits.approve_below:g}, "
        f"reject from {limits.reject_above:g})"
        for policy in asked
        for limits in (thresholds[policy],)
    ]
    return "".join(f", {score}" for score in scores)


def _describe(reason: Reason) -> str:
    about = f"{reason.policy}: {reason.outcome.value}" if reason.policy else reason.outcome.value
    if reason.source is Source.MODEL and reason.score is not None and reason.threshold is not None:
        moved = f", {reason.detail}" if reason.detail else ""
        return f"score {reason.score:.4g} against {reason.threshold:g} ({about}{moved})"
    kind = "rule" if reason.source is Source.RULE else "failure"
    found = f" by '{reason.evidence[0].excerpt}'" if reason.evidence else ""
    detail = f", {reason.detail}" if reason.detail else ""
    return f"{kind} {reason.id} ({about}{found}{detail})"


def _tell(test: StrategyTest, what: str, remedy: str) -> Problem:
    return Problem(*test.where, f"test '{test.name}': {what}", remedy)
