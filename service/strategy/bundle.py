"""A bundle: all strategies, lists and policies of one folder, compiled, immutable, with a version and a hash.

`load_bundle` is the one way in; `moderate` asks the bundle for an ad's strategy, and that for rules and a ruling.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from service.contracts.decision import BundleRef, StrategyRef
from service.contracts.submission import Submission
from service.rules.ad_view import AdView
from service.rules.hosts import HostIndex
from service.rules.terms import TermIndex
from service.strategy.compiling import Source, check_bundle
from service.strategy.files import SHARED_FILE, BundleFiles, check_sizes, hash_files, read_folder
from service.strategy.lists import Lists, read_lists
from service.strategy.problems import Problem, StrategyError, suggest
from service.strategy.reading import read_yaml, validate
from service.strategy.rule_set import RuleSet
from service.strategy.ruling import Judge, RuleResult, Ruling, Signals
from service.strategy.schema import BundleFile, Policy, StrategyFile
from service.strategy.scoping import covers, specificity

_SCOPES_REMEMBERED = 4_096


class CompiledStrategy:
    """One strategy, ready to judge ads. Holds no state that an ad could change."""

    def __init__(self, strategy: StrategyFile, shared: BundleFile, rules: RuleSet) -> None:
        self.id = strategy.id
        self.scope = strategy.scope
        self.thresholds = MappingProxyType(strategy.thresholds)
        self.ref = StrategyRef(id=strategy.id, version=shared.version)
        self._rules = rules
        self._judge = Judge(shared.policies, strategy.thresholds, shared.failure_sla_minutes)

    def evaluate_rules(
        self, ads: Sequence[AdView], scores: Sequence[Mapping[str, float]] | None, as_of: datetime
    ) -> list[list[RuleResult]]:
        """Return, ad by ad, the rules that fired or failed. `scores`: policy → probability an ad; None without a model.

        An ad's result does not depend on its neighbours. A rule that fails on an ad is a result with `failure` set.
        """
        return [
            self._rules.evaluate(ad, scores[index] if scores is not None else None, as_of)
            for index, ad in enumerate(ads)
        ]

    def decide(self, signals: Signals) -> Ruling:
        """Return the ruling on one ad; see `ruling` for the order of outcomes and reasons."""
        return self._judge.decide(signals)


class Bundle:
    """Everything that `moderate` needs besides the ads and the classifier."""

    def __init__(self, shared: BundleFile, strategies: Iterable[StrategyFile], lists: Lists, sha256: str) -> None:
        """Take parts that were checked; `load_bundle` does."""
        terms = TermIndex(entry for entries in lists.of_kind("terms").values() for entry in entries)
        hosts = HostIndex(lists.of_kind("hosts").items())
        self.ref = BundleRef(version=shared.version, sha256=sha256)
        self.version = shared.version
        self.sha256 = sha256
        self.policies: Mapping[str, Policy] = MappingProxyType(shared.policies)
        self.how_to_appeal = shared.how_to_appeal
        self.failure_sla_minutes = shared.failure_sla_minutes
        compiled = [CompiledStrategy(s, shared, RuleSet(s.rules, terms, hosts)) for s in strategies]
        self.strategies = tuple(sorted(compiled, key=lambda s: specificity(s.scope), reverse=True))
        self._select = lru_cache(_SCOPES_REMEMBERED)(self._find)

    def _find(self, market: str, vertical: str, product: str) -> CompiledStrategy | None:
        ad = market, vertical, product
        return next((strategy for strategy in self.strategies if covers(strategy.scope, ad)), None)

    def strategy_for(self, submission: Submission, as_of: datetime) -> CompiledStrategy:  # noqa: ARG002 - comes next
        """Return the strategy for the ad at `as_of`; there always is one, `compile_bundle` sees to it."""
        strategy = self._select(submission.market, submission.vertical, submission.product)
        if strategy is None:
            raise LookupError("no strategy covers this ad, though load_bundle requires one for any ad")
        return strategy


def load_bundle(directory: Path) -> Bundle:
    """Return the bundle in a folder; see `compile_bundle`."""
    return compile_bundle(read_folder(directory))


def compile_bundle(files: BundleFiles, *, reuse: Bundle | None = None) -> Bundle:  # noqa: ARG001 - comes next
    """Return the bundle of these files: `bundle.yaml`, strategies `*.yaml`, `lists/*/*.txt`.

    `reuse` is a bundle in memory, which gives what is the same in both. Raises `StrategyError`, whose text lists every
    mistake as `file:line:column: what; remedy`.
    """
    if problems := check_sizes(files):
        raise StrategyError(problems)
    lists, problems = read_lists(files)
    shared: BundleFile | None = None
    if SHARED_FILE not in files:
        problems.append(Problem(SHARED_FILE, 1, 1, "is missing", "add it: it holds the version and the policies"))
    elif isinstance(shared_document := read_yaml(files[SHARED_FILE], SHARED_FILE), Problem):
        problems.append(shared_document)
    else:
        checked = validate(shared_document, BundleFile)
        if isinstance(checked, BundleFile):
            shared = checked
        else:
            problems += checked
    sources, unread = _read_strategies(files)
    problems += unread
    if shared is not None:
        problems += check_bundle(shared, sources, lists)
    if not unread and not any(specificity(s.strategy.scope) == (0, 0, 0) for s in sources):
        remedy = "add a strategy whose scope is any in all three dimensions"
        problems.append(Problem("bundle", 1, 1, "no strategy covers every ad", remedy))
    if problems or shared is None:
        raise StrategyError(problems)
    return Bundle(shared, [source.strategy for source in sources], lists, hash_files(files))


def _read_strategies(files: BundleFiles) -> tuple[list[Source], list[Problem]]:
    sources: list[Source] = []
    problems: list[Problem] = []
    for name, content in sorted(files.items()):
        if name == SHARED_FILE or "/" in name:
            continue
        document = read_yaml(content, name)
        if isinstance(document, Problem):
            problems.append(document)
            continue
        strategy = validate(document, StrategyFile)
        if isinstance(strategy, StrategyFile):
            sources.append(Source(document, strategy))
        else:
            problems += strategy
    return sources, problems


def check_labels(bundle: Bundle, labels: Sequence[str]) -> None:
    """Raise `StrategyError` where the classifier's labels and the thresholds of any strategy do not agree."""
    problems = []
    for strategy in bundle.strategies:
        place = f"strategy '{strategy.id}'", 1, 1
        for label in labels:
            if label not in bundle.policies:
                what = f"the classifier scores '{label}', which is no policy"
                problems.append(Problem(*place, what, suggest(label, bundle.policies)))
            elif label not in strategy.thresholds:
                what = f"the classifier scores '{label}', which has no thresholds"
                problems.append(Problem(*place, what, f"add thresholds.{label}"))
        for policy in strategy.thresholds:
            if policy not in labels:
                what = f"thresholds.{policy} exists, but the classifier has no such label"
                problems.append(Problem(*place, what, "remove it; cover the policy by rules"))
    if problems:
        raise StrategyError(problems)
