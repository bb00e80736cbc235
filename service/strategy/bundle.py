"""A bundle: all strategies, lists and policies of one set of files, compiled, immutable, with a version and a hash.

`compile_bundle` is the one way in; `moderate` asks the bundle for an ad's strategy, and that for rules and a ruling.
A bundle holds all that it needs and nothing outside holds it, so dropping it gives its memory back.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from service.contracts.decision import BundleRef
from service.contracts.submission import Submission
from service.strategy.checking import check_default, check_layers
from service.strategy.compiled import CompiledStrategy
from service.strategy.effective import Effective, Merger
from service.strategy.files import SHARED_FILE, BundleFiles, check_files, hash_files, read_folder
from service.strategy.indexes import Indexes, build_indexes
from service.strategy.layering import Layerings, TooManyLayeringsError, lay_over
from service.strategy.layers import Layer, read_layers
from service.strategy.lists import Lists, read_lists
from service.strategy.merging import check_effective, check_rules
from service.strategy.problems import Problem, StrategyError, suggest
from service.strategy.reader import Reader, Reading
from service.strategy.rule_set import Preparation
from service.strategy.schema import BundleFile, Policy
from service.strategy.scoping import Triple, specificity
from service.strategy.strategists_tests import StrategyTest, read_tests


class Contents(NamedTuple):
    """A bundle's files, read and found in order. `warnings` are worth a thought and stop nothing."""

    shared: BundleFile
    layers: tuple[Layer, ...]
    lists: Lists
    tests: tuple[StrategyTest, ...]
    warnings: tuple[Problem, ...]
    sha256: str
    readings: Mapping[str, Reading]
    layerings: Layerings[Effective]


class Bundle:
    """Everything that `moderate` needs besides the ads and the classifier."""

    def __init__(self, contents: Contents, reuse: "Bundle | None") -> None:
        """Take contents that were checked; `compile_bundle` does."""
        shared = contents.shared
        self.ref = BundleRef(version=shared.version, sha256=contents.sha256)
        self.version = shared.version
        self.sha256 = contents.sha256
        self.shared = shared
        self.policies: Mapping[str, Policy] = MappingProxyType(shared.policies)
        self.how_to_appeal = shared.how_to_appeal
        self.failure_sla_minutes = shared.failure_sla_minutes
        self.lists = contents.lists
        self.layers = contents.layers
        self.tests = contents.tests
        self.warnings = contents.warnings
        self.readings = contents.readings
        self.indexes: Indexes = build_indexes(contents.lists, reuse.indexes if reuse else None)
        known = reuse.preparation.conditions.compiled if reuse else {}
        self.preparation: Preparation = Preparation(contents.layers, known)
        self._layerings = contents.layerings.change(self._compile)
        compiled = self._layerings.all.values()
        self.strategies = tuple(sorted(compiled, key=lambda s: (specificity(s.scope), s.layers), reverse=True))
        """What can apply to some ad at some time, the most specific first."""

    def _compile(self, effective: Effective) -> CompiledStrategy:
        return CompiledStrategy(effective, self.shared, self.preparation, self.indexes)

    def strategy_for(self, submission: Submission, as_of: datetime) -> CompiledStrategy:
        """Return what applies to the ad at `as_of`; there always is something, `compile_bundle` sees to it."""
        return self.strategy_of((submission.market, submission.vertical, submission.product), as_of)

    def strategy_of(self, ad: Triple, as_of: datetime) -> CompiledStrategy:
        """Return the same for an ad of a market, a vertical and a product."""
        return self._layerings.choose(ad, as_of)


def load_bundle(directory: Path) -> Bundle:
    """Return the bundle in a folder; see `compile_bundle`."""
    return compile_bundle(read_folder(directory))


def compile_bundle(files: BundleFiles, *, reuse: Bundle | None = None) -> Bundle:
    """Return the bundle of these files.

    `reuse` is a bundle in memory: what is the same in both is taken from it, not read, compiled or searched again.
    Raises `StrategyError`, whose text lists every mistake as `file:line:column: what; remedy`.
    """
    return Bundle(_read(files, reuse), reuse)


def _read(files: BundleFiles, reuse: Bundle | None) -> Contents:
    if problems := check_files(files):
        raise StrategyError(problems)
    lists, problems = read_lists(files, reuse.lists if reuse else None)
    reader = Reader(reuse.readings if reuse else None)
    shared = _read_shared(files, reader, problems)
    layers, unread, warnings = read_layers(files, reader)
    problems += unread
    tests, untested = read_tests(files, layers, shared, reader)
    problems += untested
    if not unread:
        problems += check_default(layers)
    layerings: Layerings[Effective] | None = None
    if shared is not None:
        problems += check_layers(shared, layers, lists)
        if not unread:
            layerings = _merge(layers, shared.policies, problems)
    if problems or shared is None or layerings is None:
        raise StrategyError(problems)
    return Contents(
        shared, tuple(layers), lists, tuple(tests), tuple(warnings), hash_files(files), reader.kept, layerings
    )


def _read_shared(files: BundleFiles, reader: Reader, problems: list[Problem]) -> BundleFile | None:
    if SHARED_FILE not in files:
        remedy = "add it: it holds the version and the policies"
        problems.append(Problem(SHARED_FILE, 1, 1, "is missing", remedy))
        return None
    read = reader.read(SHARED_FILE, files[SHARED_FILE], BundleFile)
    if isinstance(read, list):
        problems += read
        rest = reader.salvage(SHARED_FILE, files[SHARED_FILE], BundleFile)
        return rest[1] if rest else None
    return read[1]


def _merge(
    layers: Iterable[Layer], policies: Mapping[str, Policy], problems: list[Problem]
) -> Layerings[Effective] | None:
    """Return what applies for every way in which strategies can lie over each other; problems go to the list."""
    merger = Merger(policies)
    try:
        layerings = lay_over(layers, merger.merge)
    except TooManyLayeringsError as error:
        problems.append(error.problem)
        return None
    for effective in layerings.all.values():
        problems += check_effective(effective)
    problems += check_rules(merger.rules, policies)
    return layerings


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
