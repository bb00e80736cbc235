"""Runs strategists' own tests through the real `moderate`, and tells what came out where one fails, and why.

`sluice strategy check` runs them before a bundle is published, a worker again before it swaps to the bundle.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from service.answer import LiveBundle, Received
from service.contracts.decision import Decision, Origin, Reason, Source
from service.linting.drafting import DraftError, Setting, draft_submission
from service.linting.fixed_scores import fix_scores
from service.moderate import moderate
from service.strategy import BundleFiles, Problem
from service.strategy.documents import read_yaml
from service.strategy.expectations import Expectation, TestEntry, TestsFile
from service.strategy.files import SHARED_FILE
from service.strategy.layers import Layer, read_layers
from service.strategy.problems import Where
from service.strategy.reading import validate
from service.strategy.schema import BundleFile, Period, Scope

_TOLD_REASONS = 4
_MOMENT = timedelta(seconds=1)
_REMEDY = "mend the strategy, or expect what came out"


class PlacedTest(NamedTuple):
    """A test, where it is written, and the scope and time of the strategy that it stands in."""

    entry: TestEntry
    where: Where
    setting: Setting
    effective: Period


class RanTests(NamedTuple):
    """How many tests ran, and a problem for each that failed, at its place."""

    ran: int
    failed: tuple[Problem, ...]


def run_tests(files: BundleFiles, bundle: LiveBundle, now: datetime) -> RanTests:
    """Run all tests of the bundle that was compiled from `files`. Never raises on a test, whatever it says.

    A test that names no time is decided now, or at the nearest moment at which its strategy applies.
    """
    tests = read_tests(files)
    failed = [problem for test in tests for problem in _run(test, bundle, now)]
    return RanTests(len(tests), tuple(failed))


def read_tests(files: BundleFiles) -> list[PlacedTest]:
    """Return the tests in strategies and in tests/*.yaml; files that do not compile give none."""
    shared_document = read_yaml(files[SHARED_FILE], SHARED_FILE)
    shared = shared_document if isinstance(shared_document, Problem) else validate(shared_document, BundleFile)
    if not isinstance(shared, BundleFile):
        return []
    layers, _, _ = read_layers(files)
    return [*_collect(layers, shared), *_read_files(files, shared)]


def _collect(layers: Iterable[Layer], shared: BundleFile) -> Iterable[PlacedTest]:
    for layer in layers:
        setting = Setting(layer.strategy.scope, shared.verticals, shared.products)
        for index, entry in enumerate(layer.strategy.tests):
            where = layer.document.where(("tests", index))
            yield PlacedTest(entry, where, setting, layer.strategy.effective)


def _read_files(files: BundleFiles, shared: BundleFile) -> Iterable[PlacedTest]:
    setting = Setting(Scope(), shared.verticals, shared.products)
    for name in sorted(name for name in files if name.startswith("tests/")):
        document = read_yaml(files[name], name)
        read = document if isinstance(document, Problem) else validate(document, TestsFile)
        if isinstance(document, Problem) or not isinstance(read, TestsFile):
            continue
        for index, entry in enumerate(read.tests):
            yield PlacedTest(entry, document.where(("tests", index)), setting, Period())


def _run(test: PlacedTest, bundle: LiveBundle, now: datetime) -> Iterable[Problem]:
    as_of = test.entry.as_of or _move_into(test.effective, now)
    try:
        submission = draft_submission(test.entry.ad, test.setting, as_of)
        classifier = fix_scores(bundle.classifier, test.entry.scores)
    except (DraftError, ValueError) as error:
        yield _tell(test, f"cannot run: {error}", "mend the test")
        return
    received = Received(submission, Origin(topic="test", partition=0, offset=0), as_of)
    try:
        (moderated,) = moderate([received], bundle._replace(classifier=classifier), as_of)
    except Exception as error:  # noqa: BLE001 - one test must not hide the others
        yield _tell(test, f"moderation failed with {type(error).__name__}: {error}", "report it: a fault of Sluice")
        return
    wrong = _compare(test.entry.expect, moderated.decision)
    if wrong:
        yield _tell(test, f"{'; '.join(wrong)}. {_explain(moderated.decision)}", _REMEDY)


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


def _tell(test: PlacedTest, what: str, remedy: str) -> Problem:
    return Problem(*test.where, f"test '{test.entry.name}': {what}", remedy)


__all__ = ["PlacedTest", "RanTests", "read_tests", "run_tests"]
