"""Looks at a whole bundle: what cannot be loaded, what cannot work, what hits too much, what its own tests say."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from service.answer import LiveBundle
from service.classifier import Classifier
from service.linting.cost import measure_cost
from service.linting.firing import find_idle_conditions
from service.linting.fixed_scores import make_silent_classifier
from service.linting.harmless import find_harmless_hits
from service.linting.labels import find_unfit_labels
from service.linting.later import find_later_failures
from service.linting.overrides import find_idle_overrides
from service.linting.reach import find_wide_rules
from service.linting.report import Cost, Findings, Report, sort_findings
from service.linting.sample import Sample
from service.linting.shadowing import find_shadowed
from service.linting.testing import RanTests, run_tests
from service.linting.unused import find_ended, find_unused
from service.rules.condition_errors import ConditionError
from service.rules.conditions import compile_condition
from service.strategy import Bundle, BundleFiles, Problem, StrategyError, compile_bundle
from service.strategy.documents import read_yaml
from service.strategy.files import SHARED_FILE, check_files
from service.strategy.indexes import build_indexes
from service.strategy.layers import Layer, RuleSource, read_layers
from service.strategy.lists import Lists, read_lists
from service.strategy.reading import validate
from service.strategy.rule_schema import Action
from service.strategy.schema import BundleFile

_RESTRICTING = frozenset({Action.REJECT, Action.REVIEW})


def check_bundle(files: BundleFiles, sample: Sample, classifier: Classifier | None, as_of: datetime) -> Report:
    """Return all that is wrong with a bundle, or may be. Without a classifier each score is 0.0 that no test gives.

    A bundle that cannot be loaded is looked at as far as it can be read; its tests then do not run.
    """
    try:
        bundle = compile_bundle(files)
    except StrategyError as error:
        return _report_broken(files, error.problems, sample)
    findings = Findings(warnings=bundle.warnings)
    findings += _look(files, bundle, sample)
    findings += find_ended(bundle.layers, as_of) + find_wide_rules(bundle, sample, as_of)
    unfit = find_unfit_labels(files, bundle, classifier.labels) if classifier else Findings()
    live = LiveBundle(bundle, classifier or make_silent_classifier(_list_scored(bundle.layers)))
    # With scores that the bundle does not know no ad can be decided, so no test could say anything.
    tests = RanTests(0, ()) if unfit.errors else run_tests(live, as_of)
    if not unfit.errors:
        findings += find_later_failures(live, as_of)
    cost = measure_cost(bundle, sample.ads, as_of, bundle.shared.cost_budget_us)
    findings += unfit + _judge_cost(files, cost)
    errors, warnings = sort_findings(findings)
    return Report(errors, warnings, tests.failed, tests.ran, cost)


def _report_broken(files: BundleFiles, problems: Sequence[Problem], sample: Sample) -> Report:
    findings = Findings(tuple(problems))
    if check_files(files):
        return Report(*sort_findings(findings))  # what is too large is not read any further
    shared, layers, lists = _read(files)
    try:
        findings += find_harmless_hits(files, lists, build_indexes(lists, None), sample, _list_acting_alone(layers))
    except StrategyError as error:  # the lists are too much together
        findings += Findings(error.problems)
    if shared is not None:
        findings += find_idle_conditions([_leave_out_broken(layer, problems) for layer in layers], shared)
    errors, warnings = sort_findings(findings)
    return Report(errors, warnings)


def _leave_out_broken(layer: Layer, problems: Iterable[Problem]) -> Layer:
    """Return the layer without the rules that something is wrong with: one mistake is told once."""
    told = {(problem.file, problem.line) for problem in problems}

    def is_whole(source: RuleSource) -> bool:
        if not all(map(_compiles, source.entry.when)):
            return False
        # One line more than the text has: in YAML a block starts below its sign.
        ends = [source.where("when", index).line + text.count("\n") + 1 for index, text in enumerate(source.entry.when)]
        first = source.where().line
        return not any((source.document.file, line) in told for line in range(first, max(ends, default=first) + 1))

    return replace(layer, rules=tuple(source for source in layer.rules if is_whole(source)))


def _compiles(condition: str) -> bool:
    try:
        compile_condition(condition)
    except ConditionError:
        return False
    return True


def _read(files: BundleFiles) -> tuple[BundleFile | None, list[Layer], Lists]:
    layers, _, _ = read_layers(files)
    lists, _ = read_lists(files)
    document = read_yaml(files.get(SHARED_FILE, b""), SHARED_FILE)
    shared = document if isinstance(document, Problem) else validate(document, BundleFile)
    return shared if isinstance(shared, BundleFile) else None, layers, lists


def _look(files: BundleFiles, bundle: Bundle, sample: Sample) -> Findings:
    effectives = [strategy.effective for strategy in bundle.strategies]
    return (
        find_idle_conditions(bundle.layers, bundle.shared)
        + find_shadowed(effectives, bundle.shared)
        + find_idle_overrides(effectives)
        + find_unused(files, bundle.shared, bundle.layers, effectives, bundle.lists)
        + find_harmless_hits(files, bundle.lists, bundle.indexes, sample, _list_acting_alone(bundle.layers))
    )


def _list_acting_alone(layers: Iterable[Layer]) -> set[str]:
    """Return the lists of which one hit restricts an ad, whatever else is true of it."""
    entries = (source.entry for layer in layers for source in layer.rules if source.entry.enabled)
    matches = (entry.match for entry in entries if entry.action in _RESTRICTING and not entry.when)
    return {name for match in matches if match for name in match.lists}


def _list_scored(layers: Iterable[Layer]) -> list[str]:
    return sorted({policy for layer in layers for policy in layer.strategy.thresholds})


def _judge_cost(files: BundleFiles, cost: Cost) -> Findings:
    document = read_yaml(files[SHARED_FILE], SHARED_FILE)
    if cost.budget_us is None or cost.us_per_ad <= cost.budget_us or isinstance(document, Problem):
        return Findings()
    what = f"views and rules cost {cost.us_per_ad:.1f} µs an ad of the sample, over the budget of {cost.budget_us:g}"
    remedy = "use fewer rules with conditions that need no list hit, or raise the budget"
    return Findings((document.problem(("cost_budget_us",), what, remedy),))
