"""Runs strategists' own tests through the real `moderate`, and tells what came out where one fails, and why.

`sluice strategy check` runs them before a bundle is published, a worker again before it swaps to the bundle.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from service.answer import LiveBundle, Received
from service.contracts.decision import Decision, Origin, Reason, Source
from service.linting.fixed_scores import fix_scores
from service.moderate import moderate
from service.strategy import Problem
from service.strategy.expectations import Expectation
from service.strategy.schema import Period
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
    periods = {layer.document.file: layer.strategy.effective for layer in bundle.strategies.layers}
    moments = [test.as_of or _move_into(periods.get(test.where.file, Period()), now) for test in tests]
    failed = [_run(test, bundle, as_of) for test, as_of in zip(tests, moments, strict=True)]
    return RanTests(len(tests), tuple(problem for problem in failed if problem))


def _run(test: StrategyTest, bundle: LiveBundle, as_of: datetime) -> Problem | None:
    """Return the problem at the test's place, or None where what is expected comes out."""
    received = Received(test.submission, Origin(topic="test", partition=0, offset=0), as_of)
    try:
        classifier = fix_scores(bundle.classifier, test.scores)
        (moderated,) = moderate([received], bundle._replace(classifier=classifier), as_of)
    except Exception as error:  # noqa: BLE001 - one test must not hide the others
        return _tell(test, f"cannot run: {type(error).__name__}: {error}", "mend the test")
    wrong = _compare(test.expect, moderated.decision)
    return _tell(test, f"{'; '.join(wrong)}. {_explain(moderated.decision)}", _REMEDY) if wrong else None


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


def _explain(decision: Decision) -> str:
    """Return which reasons decided; for an approval without any, how near the nearest score came."""
    if decision.reasons:
        told = [_describe(reason) for reason in decision.reasons[:_TOLD_REASONS]]
        more = len(decision.reasons) - len(told)
        return f"Why: {', '.join(told)}{f', and {more} more' if more else ''}"
    if not decision.scores:
        return "Why: no rule fired, and there are no scores"
    highest = max(decision.scores, key=lambda policy: decision.scores[policy])
    return f"Why: no rule fired, and no score is high enough; the highest is {highest} {decision.scores[highest]:.4g}"


def _describe(reason: Reason) -> str:
    about = f"{reason.policy}: {reason.outcome.value}" if reason.policy else reason.outcome.value
    if reason.source is Source.MODEL and reason.score is not None and reason.threshold is not None:
        return f"score {reason.score:.4g} from {reason.threshold:g} on ({about})"
    kind = "rule" if reason.source is Source.RULE else "failure"
    found = f" by '{reason.evidence[0].excerpt}'" if reason.evidence else ""
    detail = f", {reason.detail}" if reason.detail else ""
    return f"{kind} {reason.id} ({about}{found}{detail})"


def _tell(test: StrategyTest, what: str, remedy: str) -> Problem:
    return Problem(*test.where, f"test '{test.name}': {what}", remedy)
